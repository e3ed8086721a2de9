#!/bin/bash
# The MongoDB wire protocol, postgres/postgres: FerretDB 2.7 (mongo/, compiled from its Go module) on PostgreSQL 18 with
# DocumentDB of Debian sid, which listens on the next port. No transactions, no change streams: an abort keeps its writes.
. "$(dirname "$0")/lib.sh"
. "$here/debian.sh"

bin=/usr/lib/postgresql/18/bin

install() {
  debian_root sid "$files" 'postgresql-18-documentdb postgresql-18-postgis-3-scripts coreutils dash' \
    '^(systemd_|libnss3_|perl|libperl|locales|libpam-systemd|dbus)'
  # What an installation script would do.
  local extensions
  extensions=$files/usr/share/postgresql/18/extension
  [ -e "$extensions/postgis.control" ] || ln -s postgis-3.control "$extensions/postgis.control"
  (cd "$here/mongo" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false nice -n 10 go build -p 2 -o "$files/ferretdb" .)
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
  rm -f "$outside/postmaster.pid"
  # One process stands for both.
  background bash "$here/mongo/both.sh" "$files" "$(inside)" "$port" "$files/ferretdb" "$data"
}

ready() { port_open; }

remove_data() { rm -rf "$data" "$log" "$files$(inside)"; }

service mongo 37017 "$@"
