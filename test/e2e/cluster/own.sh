#!/usr/bin/env bash
# own.sh up [NODES=3] | down [keep] | kill I | start I [NODES] | load FILE.tar... | tag OLD NEW | kill-pod I UID | volumes | name I | address
# A real Kubernetes cluster without Docker: each node is a network, mount, pid and host name space of its own on this
# machine, and node 1 carries the control plane. Needs root. Every verb may be said twice. README.md has more.
set -euo pipefail
. "$(dirname "$0")/env.sh"

# All nodes start at once; those that run are left alone, and one that was killed comes back.
up() {
  local nodes=$1 i deadline
  [ "$(id -u)" = 0 ] || fail 'needs root (network and mount namespaces): run as root, or install Docker and kind'
  bash "$HERE/install.sh"
  mkdir -p "$STATE/images"
  bash "$HERE/pki.sh" "$nodes"
  for name in pause coredns; do
    [ -f "$STATE/images/$name.tar" ] || bash "$HERE/image.sh" "localhost/$name:1" "$BIN/$name" "$STATE/images/$name.tar"
  done
  if ! ip link show "$BRIDGE" >/dev/null 2>&1; then
    ip link add "$BRIDGE" type bridge
    ip addr add "$GATEWAY/24" dev "$BRIDGE"
    ip link set "$BRIDGE" up
  fi
  for i in $(seq "$nodes"); do bash "$HERE/node-up.sh" "$i" "$nodes"; done
  deadline=$((SECONDS + 180))
  until [ "$(kubectl get nodes --no-headers 2>/dev/null | grep -c ' Ready')" -ge "$nodes" ]; do
    [ $SECONDS -lt $deadline ] || fail "the nodes are not Ready after three minutes: see $STATE/node*/log"
    sleep 0.2
  done
  kubectl apply -f "$HERE/config/dns.yaml" >/dev/null
  bash "$HERE/volumes.sh"
}

# The node loses its power: kubelet, containerd and all of its containers are gone at once.
kill_node() {
  local pid init deadline
  pid=$(sandbox_pid "$1") || return 0
  init=$(init_pid "$1")
  kill -9 "$pid"
  # A process space is empty when its first process is gone, and that goes last.
  deadline=$((SECONDS + 30))
  while [ -d "/proc/$pid" ] || { [ -n "$init" ] && [ -d "/proc/$init" ]; }; do
    [ $SECONDS -lt $deadline ] || fail "node$1 is still there 30 s after kill -9"
    sleep 0.05
  done
  rm -f "$STATE/node$1.pid"
}

# OCI or docker archives, on every node that runs; a link in $STATE/images gives them to one that comes back.
load() {
  local file pid i
  for file in "$@"; do
    file=$(realpath "$file")
    ln -sf "$file" "$STATE/images/$(basename "$file")"
    for pid in "$STATE"/node*.pid; do
      i=${pid##*/node}
      i=${i%.pid}
      sandbox_pid "$i" >/dev/null || continue
      ctr --address "$STATE/node$i/containerd.sock" -n k8s.io images import "$file" >>"$STATE/node$i/log/import.log" 2>&1 ||
        fail "node$i did not take $file: see $STATE/node$i/log/import.log"
    done
  done
}

# Another name for an image that the nodes have.
tag() {
  local pid
  for pid in "$STATE"/node*.pid; do
    pid=${pid%.pid}
    ctr --address "$pid/containerd.sock" -n k8s.io images tag --force "$1" "$2" >/dev/null
  done
}

# kill -9 for every process of a pod on node $1, but for the one that holds its namespaces.
kill_pod() {
  local group pid
  for group in /sys/fs/cgroup/pids/"$CGROUP/node$1"/kubepods/*/"pod$2"/* /sys/fs/cgroup/pids/"$CGROUP/node$1"/kubepods/"pod$2"/*; do
    [ -f "$group/cgroup.procs" ] || continue
    while read -r pid; do
      [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = pause ] || kill -9 "$pid" 2>/dev/null || true
    done <"$group/cgroup.procs"
  done
}

# Everything goes that `up` put on this machine; with `keep` the folder stays, to be looked at.
down() {
  local file i net
  for file in "$STATE"/node*.pid; do
    [ -f "$file" ] || continue
    i=${file##*/node}
    kill_node "${i%.pid}"
  done
  for net in $(ip netns list 2>/dev/null | awk '/^tge2e[0-9]/ {print $1}'); do
    # The kernel takes its time over a network space, and would keep the cable as long.
    ip link del "$net" 2>/dev/null || true
    ip netns del "$net"
  done
  if ip link show "$BRIDGE" >/dev/null 2>&1; then ip link del "$BRIDGE"; fi
  find /sys/fs/cgroup/*/"$CGROUP" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  rmdir /var/lib/tiangong-agent 2>/dev/null || true
  [ "${1:-}" = keep ] || rm -rf "$STATE"
}

case ${1:-} in
  up) up "${2:-3}" ;;
  down) down "${2:-}" ;;
  kill) kill_node "$2" ;;
  start) bash "$HERE/node-up.sh" "$2" "${3:-3}" ;;
  load) load "${@:2}" ;;
  tag) tag "$2" "$3" ;;
  kill-pod) kill_pod "$2" "$3" ;;
  name) echo "node$2" ;;
  volumes) bash "$HERE/volumes.sh" ;;
  # Where pods reach what listens on this machine.
  address) echo "$GATEWAY" ;;
  *) fail "unknown verb: see the first lines of $0" ;;
esac
