#!/bin/bash
# PostgreSQL 17 of Debian trixie, postgres/postgres, with logical replication and TLS (test CA: $SERVICES_ROOT/postgres/tls/ca.pem).
. "$(dirname "$0")/lib.sh"
. "$here/debian.sh"
. "$here/certificates.sh"

bin=/usr/lib/postgresql/17/bin
root_env+=(PGPASSWORD=postgres)
# SIGTERM waits for the clients.
stop_signal=INT

install() {
  debian_root trixie "$files" 'postgresql-17 coreutils dash' '^(libllvm|systemd_|perl|libperl|locales)'
  make_certificates
}

# Inside the root, the data of this port.
inside() { echo "/data/$port"; }

launch() {
  local outside=$files$(inside)
  if [ ! -s "$outside/PG_VERSION" ]; then
    rm -rf "$outside"
    echo postgres >"$files/data/password"
    chmod 644 "$files/data/password"
    in_root "$files" $bin/initdb -D "$(inside)" -U postgres --pwfile=/data/password -A scram-sha-256 -E UTF8 \
      --locale=C.UTF-8 --no-sync >/dev/null
  fi
  give_certificates "$outside"
  rm -f "$outside/postmaster.pid"
  # Tests lose nothing when this machine loses power.
  in_root_background "$files" $bin/postgres -D "$(inside)" -p "$port" -h 127.0.0.1 -k "$(inside)" \
    -c ssl=on -c ssl_cert_file=server.pem -c ssl_key_file=server.key \
    -c wal_level=logical -c max_wal_senders=10 -c max_replication_slots=10 -c max_prepared_transactions=10 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c dynamic_shared_memory_type=mmap -c jit=off
}

ready() { in_root "$files" $bin/psql -h 127.0.0.1 -p "$port" -U postgres -qc 'select 1'; }

remove_data() { rm -rf "$data" "$log" "$files$(inside)"; }

service postgres 15432 "$@"
