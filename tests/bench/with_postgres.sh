#!/bin/bash
# Runs a command with a private, durable PostgreSQL (fsync on, Debian's defaults) on a Unix socket; {} in the arguments becomes its URL.
#   tests/bench/with_postgres.sh build/release/tests/bench/jobs_bench {}
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
folder=$(mktemp -d "${TMPDIR:-/tmp}/bench-postgres-XXXXXX")
as_owner() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
[ "$(id -u)" = 0 ] && chown postgres "$folder"
cleanup() {
  as_owner "$bin/pg_ctl" -D "$folder/data" -m fast stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap cleanup EXIT
cd /
as_owner "$bin/initdb" -D "$folder/data" -A trust -U postgres --no-locale -E UTF8 >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
as_owner "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" \
  -o "-c listen_addresses='' -c unix_socket_directories=$folder" start >/dev/null
url="postgresql:///postgres?host=$folder&user=postgres"
"${@//\{\}/"$url"}"
