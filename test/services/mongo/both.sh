#!/bin/bash
# both.sh ROOT DATA PORT FERRETDB STATE: PostgreSQL with DocumentDB on PORT + 1, and FerretDB on it, until SIGTERM or until one ends.
. "$(dirname "$0")/../lib.sh"
. "$here/debian.sh"
root=$1 data=$2 port=$3 ferretdb=$4 state=$5
bin=/usr/lib/postgresql/18/bin
sql_port=$((port + 1))
root_env+=(PGPASSWORD=postgres)

end() {
  trap - TERM
  [ -z "${ferretdb_pid:-}" ] || kill "$ferretdb_pid" 2>/dev/null || true
  # PostgreSQL's own SIGTERM waits for its clients.
  [ -z "${postgres_pid:-}" ] || kill -INT "$postgres_pid" 2>/dev/null || true
  wait
  exit 0
}
trap end TERM

# Tests lose nothing when this machine loses power. Not by in_root: its pid must be the server's.
chroot --userspec=999:999 "$root" /usr/bin/env -i "${root_env[@]}" \
  $bin/postgres -D "$data" -p "$sql_port" -h 127.0.0.1 -k "$data" \
  -c shared_preload_libraries=pg_cron,pg_documentdb_core,pg_documentdb -c cron.database_name=postgres \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c dynamic_shared_memory_type=mmap -c jit=off &
postgres_pid=$!

sql() { in_root "$root" $bin/psql -qh 127.0.0.1 -p "$sql_port" -U postgres -c "$1"; }
until sql 'create extension if not exists documentdb cascade' 2>/dev/null; do
  kill -0 $postgres_pid
  sleep 0.2
done

"$ferretdb" "postgres://postgres:postgres@127.0.0.1:$sql_port/postgres" "127.0.0.1:$port" "$state" &
ferretdb_pid=$!
wait -n || true
end
