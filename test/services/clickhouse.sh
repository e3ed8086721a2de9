#!/bin/bash
# ClickHouse 26: its engine as the npm package chdb, behind a small HTTP front of ours. No login, no native protocol, one
# statement at a time; for those see clickhouse-18.sh.
. "$(dirname "$0")/lib.sh"

chdb=chdb@3.4.0

install() {
  (cd "$files" && echo '{"private":true}' >package.json && npm install --silent --no-audit --no-fund --ignore-scripts $chdb >&2)
}

launch() { background node "$here/clickhouse/http-front.mjs" "$files" "$data" "$port"; }

ready() { curl -sf "http://127.0.0.1:$port/ping"; }

service clickhouse 18123 "$@"
