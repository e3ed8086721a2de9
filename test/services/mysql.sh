#!/bin/bash
# MySQL of Debian sid (9.7 when this was written), root/root, with TLS (test CA: $SERVICES_ROOT/mysql/tls/ca.pem) and a
# binary log that has everything: ROW, FULL image and metadata, GTID. $SERVER_OPTIONS is added to its command line and
# wins: `SERVER_OPTIONS=--skip-log-bin mysql.sh start 13316`.
# `mysql.sh client 13306 -e 'SELECT 1'` runs its own client.
. "$(dirname "$0")/lib.sh"
. "$here/debian.sh"
. "$here/certificates.sh"

root_env+=(MYSQL_PWD=root)

common=(--no-defaults --basedir=/usr --lc-messages-dir=/usr/share/mysql --plugin-dir=/usr/lib/mysql/plugin
  --secure-file-priv=NULL --performance-schema=OFF --innodb-redo-log-capacity=64M)

install() {
  debian_root sid "$files" 'mysql-server-core mysql-client-core coreutils dash' '^(perl|libperl|libgdbm|libdb5)' || without_mysql
  # Every port's server begins as a copy: making one takes ten seconds.
  cat >"$files/data/init.sql" <<'SQL'
ALTER USER root@localhost IDENTIFIED BY 'root';
CREATE USER root@'%' IDENTIFIED BY 'root';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
  in_root "$files" /usr/sbin/mysqld "${common[@]}" --datadir=/data/new --log-error=/data/install.log \
    --initialize-insecure --init-file=/data/init.sql || { tail -n 30 "$files/data/install.log" >&2; without_mysql; }
  # The server's UUID, which is in its GTIDs.
  rm -f "$files/data/new/auto.cnf"
  make_certificates
}

without_mysql() {
  echo 'MySQL could not be installed from Debian sid, which changes every day: only MariaDB (mariadb.sh) can be had now.' >&2
  echo 'SERVICES_WITHOUT=mysql skips the tests against MySQL; those against MariaDB go through the same executor.' >&2
  exit 1
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
  rm -f "$files$inside"/{pid,socket,socket.lock}
  # Tests lose nothing when this machine loses power.
  # shellcheck disable=SC2086 # a list of options
  in_root_background "$files" /usr/sbin/mysqld "${common[@]}" --datadir="$inside" --tmpdir="$inside-tmp" \
    --port="$port" --bind-address=127.0.0.1 \
    --skip-name-resolve --socket="$inside/socket" --pid-file="$inside/pid" --mysqlx=0 --max-connections=500 \
    --ssl-cert=server.pem --ssl-key=server.key \
    --server-id="$port" --log-bin=binlog --binlog-format=ROW --binlog-row-image=FULL --binlog-row-metadata=FULL \
    --binlog-expire-logs-seconds=86400 --gtid-mode=ON --enforce-gtid-consistency=ON \
    --sync-binlog=0 --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=64M ${SERVER_OPTIONS:-}
}

client() { in_root "$files" /usr/bin/mysql --no-defaults -h127.0.0.1 -P"$port" -uroot "$@"; }

ready() { client -e 'SELECT 1'; }

remove_data() { rm -rf "$data" "$log" "${files:?}/data/$port" "$files/data/$port-tmp"; }

service mysql 13306 "$@"
