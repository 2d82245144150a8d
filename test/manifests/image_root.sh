#!/bin/sh
# image_root.sh COLLECT ROOT PROGRAM...: the image's file system, made as the
# Dockerfile makes it, has all that the programs need: they run with it as their
# root, as the image's user. Exits 77 where we may not change the root.
set -eu
collect=$1
root=$2
shift 2
rm -rf "$root"
if ! [ -e /etc/ssl/certs/ca-certificates.crt ]; then
  echo "NOT TESTED: no CAs here to collect (package ca-certificates)"
  exit 77
fi
"$collect" "$root" "$@"

enter="chroot --userspec=65532:65532"
if [ "$(id -u)" -ne 0 ]; then
  enter="unshare --user --map-root-user chroot"
  $enter / true 2>/dev/null || {
    echo "NOT TESTED: neither root nor user namespaces to change the root with"
    exit 77
  }
fi
for program; do
  name=$(basename "$program")
  $enter "$root" "/usr/bin/$name" --version
done
# More than the loader's work: YAML, JSON, planning.
$enter "$root" /usr/bin/endpointslice-sim plan -f - <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ipFamilies: [IPv4], ports: [{port: 80, protocol: TCP}]}
YAML
if find "$root/usr/bin" "$root/bin" -name 'sh' 2>/dev/null | grep -q .; then
  echo "there is a shell in the image"
  exit 1
fi
