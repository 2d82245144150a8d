#!/bin/sh
# collect.sh ROOT PROGRAM...: makes ROOT a file system in which the programs run:
# /usr/bin with them, every shared library that ldd names (and the loader) where
# the loader looks for it, CAs, and the few files of /etc that the C library
# reads. The programs open no library by name later on: names are resolved by
# the C library itself (glibc 2.34 and later have DNS and files built in).
set -eu
[ $# -ge 2 ] || {
  echo "usage: collect.sh ROOT PROGRAM..." >&2
  exit 2
}
root=$1
shift
cas=/etc/ssl/certs/ca-certificates.crt
[ -e "$cas" ] || {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends ca-certificates
}

# As on Debian, where /lib and /lib64 are links into /usr: then a library has
# one place, by whichever path it is named.
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/etc/ssl/certs"
for dir in lib lib64; do
  [ -L "$root/$dir" ] || ln -s "usr/$dir" "$root/$dir"
done

for program; do
  install -s -m 0755 "$program" "$root/usr/bin/"
  libraries=$(ldd "$program")
  case $libraries in
    *"not found"*)
      echo "collect.sh: $program: a library is missing: $libraries" >&2
      exit 1
      ;;
  esac
  # "name => /path (0x...)" and, for the loader, "/path (0x...)"; the kernel's
  # vdso has no path.
  printf '%s\n' "$libraries" | sed -n 's|^.* => \(/[^ ]*\) .*|\1|p; s|^[[:space:]]*\(/[^ ]*\) .*|\1|p' | sort -u |
    while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
done

cp -L "$cas" "$root$cas"
echo 'nonroot:x:65532:65532:nonroot:/nonexistent:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
