# Shared by the scripts of this folder, which source it. Each names its service, defines what differs, and calls `service`:
#
#   NAME.sh start [port]    installs the server if need be, starts it, waits until it answers; prints "started PID", or
#                           "running PID" when it runs already
#   NAME.sh stop [port]     ends it and keeps its data
#   NAME.sh remove [port]   ends it and deletes its data
#   NAME.sh install         downloads and compiles only
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
#   remove_data     optional; deletes $data by default
service() {
  local name=$1 verb=${3:-}
  port=${4:-$2}
  home=$services_root/$name
  data=$home/$port
  log=$home/$port.log
  pid_file=$home/$port.pid
  mkdir -p "$home"
  case $verb in start | stop | remove | install) ;; *) sed -n '3,9s/^# *//p' "$here/lib.sh" >&2; exit 2 ;; esac

  # Another folder when the script has changed: a server of another port may be running from the old one.
  files=$home/files-$({ cat "$here/$name.sh" "$here/lib.sh" "$here/$name"/* 2>/dev/null || true; } | sha256sum | cut -c 1-8)
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
  local pid deadline=$((SECONDS + 15))
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

# debian_packages SUITE FOLDER "PACKAGE…" [PATTERN]: unpacks packages of a Debian suite, with all that they need, into a
# folder. PATTERN names what is left out: dependencies of installation scripts, which are not run.
debian_packages() {
  local suite=$1 folder=$2 packages=$3 skip=${4:-^$} apt=$home/apt archives=$2.archives package
  rm -rf "$folder" "$archives" "$apt"
  mkdir -p "$folder"/usr/{bin,sbin,lib,lib64} "$archives/partial" "$apt/lists/partial" "$apt/sources"
  : >"$apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $suite main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt"; Dir::State::lists "$apt/lists"; Dir::State::status "$apt/status";
Dir::Cache "$apt"; Dir::Cache::archives "$archives";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "$apt/sources"; Dir::Etc::preferencesparts "$apt/sources";
APT::Install-Recommends "false"; Acquire::Languages "none"; APT::Sandbox::User "root";
CONF
  APT_CONFIG=$apt/apt.conf apt-get update -qq >&2
  # shellcheck disable=SC2086 # a list of packages
  APT_CONFIG=$apt/apt.conf apt-get install -y -qq --download-only $packages >&2

  for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$folder/$dir"; done
  for package in "$archives"/*.deb; do
    [[ ${package##*/} =~ $skip ]] && continue
    dpkg-deb --fsys-tarfile "$package" |
      tar -x -C "$folder" --keep-directory-symlink --exclude=./usr/share/{doc,man,locale} -f -
  done
  rm -rf "$archives" "$apt"
}

# debian_root SUITE ROOT "PACKAGE…" [PATTERN]: the same, as a folder that `in_root` makes the root of. Must be run as root.
debian_root() {
  debian_packages "$@"
  (
    cd "$2"
    mkdir -p dev/shm tmp data run proc
    chmod 1777 tmp dev/shm
    mknod -m 666 dev/null c 1 3
    mknod -m 666 dev/zero c 1 5
    mknod -m 666 dev/random c 1 8
    mknod -m 666 dev/urandom c 1 9
    printf 'root:x:0:0::/:/bin/sh\nserver:x:999:999::/:/bin/sh\n' >etc/passwd
    printf 'root:x:0:\nserver:x:999:\n' >etc/group
    echo '127.0.0.1 localhost' >etc/hosts
    echo 'hosts: files' >etc/nsswitch.conf
    chown 999:999 data
    ldconfig -r .
  )
}

# Where this machine takes its own packages from.
debian_mirror() {
  local mirror
  mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
    awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list)
  [ -n "$mirror" ] || { echo "no Debian mirror in /etc/apt: these servers need a Debian machine" >&2; return 1; }
  echo "$mirror"
}

# in_root ROOT COMMAND...: runs it there as the user `server`, without this shell's environment.
in_root() { chroot --userspec=999:999 "$1" /usr/bin/env -i "${root_env[@]}" "${@:2}"; }
in_root_background() { background chroot --userspec=999:999 "$1" /usr/bin/env -i "${root_env[@]}" "${@:2}"; }
root_env=(PATH=/usr/bin:/usr/sbin HOME=/tmp LC_ALL=C.UTF-8 TZ=UTC)
