# Shared by the scripts of this folder, which source it. Each names its service, defines what differs, and calls `service`:
#
#   NAME.sh start [port]    installs the server if need be, starts it, waits until it answers; prints "started PID", or
#                           "running PID" when it runs already
#   NAME.sh stop [port]     ends it and keeps its data
#   NAME.sh remove [port]   ends it and deletes its data
#   NAME.sh install         downloads and compiles only
#   NAME.sh client PORT …   the server's own client program with these arguments, where it has one (mysql, mariadb)
#
# Safe to call twice, and from many processes at once. Nothing is installed on the machine itself: everything is under
# $SERVICES_ROOT/NAME: files-RECIPE/ (the programs), and for each port a server of its own: PORT/ (its data), PORT.pid, PORT.log.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
services_root=${SERVICES_ROOT:-$HOME/.cache/tiangong/services}

# What asks the server for a quick end in good order.
stop_signal=TERM

# A waiting caller outlives a first installation, and no more.
lock_seconds=900
ready_seconds=120

# service NAME DEFAULT_PORT VERB [PORT]. The script has defined:
#   install         puts what the server needs into the empty folder $files
#   launch          starts the server on $port with the data folder $data and the log $log, and sets pid
#   ready           fails until the server answers
#   client          optional; runs the server's own client program
#   remove_data     optional; deletes $data by default
service() {
  local name=$1 verb=${3:-}
  port=${4:-$2}
  home=$services_root/$name
  data=$home/$port
  log=$home/$port.log
  pid_file=$home/$port.pid
  mkdir -p "$home"
  case $verb in start | stop | remove | install | client) ;; *) sed -n '3,10s/^# *//p' "$here/lib.sh" >&2; exit 2 ;; esac

  # Another folder when the script has changed: a server of another port may be running from the old one.
  files=$home/files-$({ cat "$here/$name.sh" "$here/debian.sh" "$here/$name"/* 2>/dev/null || true; } | sha256sum | cut -c 1-8)
  if [ "$verb" = client ]; then client "${@:5}"; exit; fi
  exec 9>"$home/lock"
  flock -w "$lock_seconds" 9 || { echo "$name: another installation or start has not ended" >&2; exit 1; }
  case $verb in
    install) install_once ;;
    start) if running; then echo "running $(cut -d' ' -f1 "$pid_file")"; else install_once; start; fi ;;
    stop) stop ;;
    remove) stop; remove_data ;;
  esac
}

install_once() {
  [ ! -e "$files/installed" ] || return 0
  echo "installing ${home##*/} for the tests (once)" >&2
  any_running || rm -rf "$home"/files-*
  rm -rf "$files"
  mkdir -p "$files"
  install
  touch "$files/installed"
}

# Whether a server of this service runs, on whatever port.
any_running() {
  local pid_file
  for pid_file in "$home"/*.pid; do running && return 0; done
  return 1
}

remove_data() { rm -rf "$data" "$log"; }

start() {
  ! port_open || { echo "port $port is in use by another program" >&2; exit 1; }
  mkdir -p "$data"
  launch
  echo "$pid $(start_time "$pid")" >"$pid_file"
  local deadline=$((SECONDS + ready_seconds))
  until ready >/dev/null 2>&1; do
    if ! running || [ $SECONDS -gt $deadline ]; then
      echo "${home##*/} on port $port does not answer:" >&2
      tail -n 30 "$log" >&2
      stop
      exit 1
    fi
    sleep 0.1
  done
  echo "started $pid"
}

stop() {
  running || { rm -f "$pid_file"; return 0; }
  local pid deadline=$((SECONDS + 5))
  pid=$(cut -d' ' -f1 "$pid_file")
  kill -s "$stop_signal" "$pid" 2>/dev/null || true
  while running; do
    [ $SECONDS -le $deadline ] || kill -9 "$pid" 2>/dev/null || true
    sleep 0.1
  done
  rm -f "$pid_file"
}

# A pid names a process only together with its start time: after a reboot it is another's.
running() {
  [ -s "$pid_file" ] || return 1
  local pid started
  read -r pid started <"$pid_file"
  [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}

# Field 22 of stat; the name before it may contain spaces. Nothing for a process that has ended, also when nobody has
# waited for it yet.
start_time() {
  [ -r "/proc/$1/stat" ] || return 0
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}

# background COMMAND...: runs it apart from this script, without the lock, and sets pid.
background() {
  setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
  pid=$!
}

port_open() { (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
