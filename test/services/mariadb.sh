#!/bin/bash
# MariaDB 11.8 of Debian trixie, root/root, with TLS (test CA: $SERVICES_ROOT/mariadb/tls/ca.pem) and a binary log that has
# everything: ROW, FULL image and metadata. $SERVER_OPTIONS is added to its command line and wins, as with mysql.sh.
. "$(dirname "$0")/lib.sh"
. "$here/debian.sh"
. "$here/certificates.sh"

root_env+=(MYSQL_PWD=root)

install() {
  debian_root trixie "$files" 'mariadb-server-core mariadb-client-core coreutils dash sed hostname' \
    '^(perl|libperl|libgdbm|libdb5|galera)'
  # Every port's server begins as a copy.
  in_root "$files" /usr/bin/mariadb-install-db --no-defaults --datadir=/data/new --skip-test-db --skip-name-resolve \
    --auth-root-authentication-method=normal >"$files/install.log" 2>&1 || { tail -n 30 "$files/install.log" >&2; exit 1; }
  cat >"$files/data/init.sql" <<'SQL'
SET sql_log_bin = 0;
DROP USER IF EXISTS root@'127.0.0.1', root@'::1';
CREATE USER IF NOT EXISTS root@'%' IDENTIFIED BY 'root';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
  make_certificates
}

launch() {
  local inside=/data/$port
  if [ ! -s "$files$inside/installed" ]; then
    rm -rf "${files:?}$inside"
    cp -a "$files/data/new" "$files$inside"
    echo yes >"$files$inside/installed"
  fi
  give_certificates "$files$inside"
  # A server that starts deletes the temporary tables that it finds, also those of another that runs.
  mkdir -p "$files$inside-tmp"
  chown 999:999 "$files$inside-tmp"
  # Tests lose nothing when this machine loses power.
  # shellcheck disable=SC2086 # a list of options
  in_root_background "$files" /usr/sbin/mariadbd --no-defaults --datadir="$inside" --tmpdir="$inside-tmp" \
    --port="$port" --bind-address=127.0.0.1 \
    --skip-name-resolve --socket="$inside/socket" --pid-file="$inside/pid" --init-file=/data/init.sql \
    --max-connections=500 --ssl-cert="$inside/server.pem" --ssl-key="$inside/server.key" \
    --server-id="$port" --log-bin=binlog --binlog-format=ROW --binlog-row-image=FULL --binlog-row-metadata=FULL \
    --expire-logs-days=1 --gtid-strict-mode=1 \
    --sync-binlog=0 --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=64M ${SERVER_OPTIONS:-}
}

client() { in_root "$files" /usr/bin/mariadb --no-defaults --skip-ssl-verify-server-cert -h127.0.0.1 -P"$port" -uroot "$@"; }

ready() { client -e 'SELECT 1'; }

remove_data() { rm -rf "$data" "$log" "${files:?}/data/$port" "$files/data/$port-tmp"; }

service mariadb 13307 "$@"
