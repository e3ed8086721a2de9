#!/bin/bash
# The MongoDB wire protocol, postgres/postgres: FerretDB 2.7 (mongo/, compiled from its Go module) on PostgreSQL 18 with
# DocumentDB of Debian sid, which listens on the next port. No transactions, no change streams: an abort keeps its writes.
. "$(dirname "$0")/lib.sh"

version=v2.7.0
root() { echo "$home/root"; }
ferretdb() { echo "$home/ferretdb-$version"; }
bin=/usr/lib/postgresql/18/bin

installed() { [ -x "$(ferretdb)" ] && [ -e "$(root)/installed" ]; }

install() {
  if [ ! -x "$(ferretdb)" ]; then
    (cd "$here/mongo" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false nice -n 10 go build -p 2 -o "$(ferretdb)" .)
  fi
  [ -e "$(root)/installed" ] && return
  debian_root sid "$(root)" 'postgresql-18-documentdb postgresql-18-postgis-3-scripts coreutils dash' \
    '^(systemd_|libnss3_|perl|libperl|locales|libpam-systemd|dbus)'
  # What an installation script would do.
  local extensions
  extensions=$(root)/usr/share/postgresql/18/extension
  [ -e "$extensions/postgis.control" ] || ln -s postgis-3.control "$extensions/postgis.control"
  touch "$(root)/installed"
}

# Inside the root, the data of this port.
inside() { echo "/data/$port"; }

launch() {
  local files
  files=$(root)$(inside)
  if [ ! -s "$files/PG_VERSION" ]; then
    rm -rf "$files"
    echo postgres >"$(root)/data/password"
    chmod 644 "$(root)/data/password"
    in_root "$(root)" $bin/initdb -D "$(inside)" -U postgres --pwfile=/data/password -A scram-sha-256 -E UTF8 \
      --locale=C.UTF-8 --no-sync >/dev/null
  fi
  rm -f "$files/postmaster.pid"
  # One process stands for both.
  background bash "$here/mongo/both.sh" "$(root)" "$(inside)" "$port" "$(ferretdb)" "$data"
}

ready() { port_open; }

remove_data() { rm -rf "$data" "$log" "$(root)$(inside)"; }

service mongo 37017 "$@"
