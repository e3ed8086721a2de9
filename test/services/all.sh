#!/bin/bash
# all.sh start|stop|install: every service of this folder, on its usual port. Says at the end which could not, and goes on till then.
set -uo pipefail
cd "$(dirname "$0")"
verb=${1:?start, stop or install}
# Those that compile come last when starting: the others are there by then.
services=(postgres mysql mariadb clickhouse clickhouse-18 elasticsearch s3 mongo)
failed=()
for service in "${services[@]}"; do
  said=$("./$service.sh" "$verb") || failed+=("$service")
  [ "$verb" != start ] || echo "$service: ${said:-FAILED}"
done
[ ${#failed[@]} -eq 0 ] || { echo "could not $verb: ${failed[*]}" >&2; exit 1; }
