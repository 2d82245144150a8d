#!/usr/bin/env bash
# The demonstration: an API server in memory with a recorded cluster, the
# controller against it over HTTP, and a story played on it.
#
#   EPSLICE_BIN_DIR=... demo.sh [--keep]      (or ./dev demo [--keep])
#
# Ends by itself, with exit code 0 when the slices are right in the end.
# --keep leaves server and controller running afterwards, until Ctrl-C.
set -euo pipefail

bin=${EPSLICE_BIN_DIR:?the folder of the programs; use ./dev demo}
keep=${1:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
shop=$root/test/testdata/shop
scratch=$(mktemp -d)
server_pid=
controller_pid=

stop() {
  # The controller first: it would only complain about the server's end.
  for pid in $controller_pid $server_pid; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  controller_pid= server_pid=
}
trap 'stop; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
  echo "demo: $1" >&2
  for log in server controller; do
    [ -s "$scratch/$log.log" ] && { echo "--- the end of the $log's log:"; tail -n 20 "$scratch/$log.log"; } >&2
  done
  exit 1
}

# A port nobody uses; with --keep the one that the README's lines name.
listen=127.0.0.1:0
[ "$keep" = --keep ] && listen=127.0.0.1:8001

"$bin/endpointslice-sim" serve -f "$shop/start-nodes.json.xz" -f "$shop/start-pods.json.xz" \
  -f "$shop/start-services.json.xz" --listen "$listen" 2>"$scratch/server.log" &
server_pid=$!

url=
for _ in $(seq 100); do
  url=$(sed -n 's/.*serving \(http:[^ ]*\).*/\1/p' "$scratch/server.log" | head -n 1)
  [ -n "$url" ] && break
  kill -0 "$server_pid" 2>/dev/null || die "the API server did not start"
  sleep 0.1
done
[ -n "$url" ] || die "the API server did not start in time"
echo "API server in memory at $url, with the recorded cluster \"shop\":"
sed -n 's/.*serving http:[^ ]* /  /p' "$scratch/server.log"

"$bin/endpointslice-controller" --master "$url" --kube-api-qps=500 --kube-api-burst=1000 --secure-port=0 \
  2>"$scratch/controller.log" &
controller_pid=$!
echo "endpointslice-controller --master $url started."
echo

"$bin/endpointslice-sim" demo --master "$url" --save "$scratch/end.jsonl" || die "the story came to a bad end"

echo
echo "4. What would a controller that starts now change?  endpointslice-sim diff -f end.jsonl"
"$bin/endpointslice-sim" diff -f "$scratch/end.jsonl" || die "the slices are not what they should be"

echo
echo "5. Why has redis no hints, and what would bring them back?  endpointslice-sim explain -f end.jsonl shop/redis"
echo
explained=0
"$bin/endpointslice-sim" explain -f "$scratch/end.jsonl" shop/redis || explained=$?
# 1: they are asked for in vain.
[ "$explained" = 1 ] || die "explain ended with exit code $explained"

if [ "$keep" = --keep ]; then
  cat <<END

Server and controller go on running. In another terminal:

  kubectl --server=$url get svc,pods,endpointslices -A -o wide
  kubectl --server=$url -n shop get endpointslices -w
  kubectl --server=$url -n shop delete pod redis-v1-0
  kubectl --server=$url -n shop patch svc ads -p '{"spec":{"trafficDistribution":"PreferClose"}}'
  kubectl --server=$url label node a12 topology.kubernetes.io/zone=zone-x --overwrite

Ctrl-C ends both.
END
  wait "$server_pid" || true
fi
