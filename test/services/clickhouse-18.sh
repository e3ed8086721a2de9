#!/bin/bash
# A true ClickHouse server, 18.16 of Debian bookworm: HTTP on PORT, native protocol on PORT + 877. Users: `default` without a
# password, `tiangong` with the password `secret`.
. "$(dirname "$0")/lib.sh"
. "$here/debian.sh"

install() { debian_packages bookworm "$files" clickhouse-server '^(perl|libperl|systemd_|adduser)'; }

launch() {
  mkdir -p "$data"/{data,tmp}
  cat >"$data/config.xml" <<XML
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host><http_port>$port</http_port><tcp_port>$((port + 877))</tcp_port>
  <path>$data/data/</path><tmp_path>$data/tmp/</tmp_path><users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size><timezone>UTC</timezone>
</yandex>
XML
  cat >"$data/users.xml" <<'XML'
<yandex>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <tiangong><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></tiangong>
  </users>
</yandex>
XML
  # It looks into /proc, which a root of its own would not have; its libraries, and their loader, are its own nevertheless.
  local lib=$files/usr/lib/$(uname -m)-linux-gnu
  background "$lib"/ld-linux-*.so.* --library-path "$lib" "$files/usr/sbin/clickhouse-server" "--config-file=$data/config.xml"
}

ready() { curl -sf "http://127.0.0.1:$port/ping"; }

service clickhouse-18 18124 "$@"
