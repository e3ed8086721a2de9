#!/usr/bin/env bash
# node-up.sh I [NODES=3]: starts node I, unless it runs, in a network of its own on the bridge; does not wait for it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
i=$1 nodes=${2:-3} net=$(node_net "$1")
if sandbox_pid "$i" >/dev/null; then exit 0; fi

if ! ip netns list | grep -qw "$net"; then
  ip netns add "$net"
  ip link add "$net" type veth peer name eth0 netns "$net"
  ip link set "$net" master "$BRIDGE" up
  ip -n "$net" link set lo up
  ip -n "$net" addr add "$(node_ip "$i")/24" dev eth0
  ip -n "$net" link set eth0 up
  ip -n "$net" route add default via "$GATEWAY"
  for j in $(seq "$nodes"); do
    [ "$i" = "$j" ] || ip -n "$net" route add "$(pod_subnet "$j")" via "$(node_ip "$j")"
  done
  # Pods reach what listens on the bridge, and answers find their way back.
  ip route replace "$(pod_subnet "$i")" via "$(node_ip "$i")"
fi
# The kubelet's root group must be there in every hierarchy of cgroup version 1, with processors and memory to give.
for hierarchy in /sys/fs/cgroup/*/; do
  [ "$(basename "$hierarchy")" = unified ] || mkdir -p "$hierarchy$CGROUP/node$i"
done
for group in "$CGROUP" "$CGROUP/node$i"; do
  for file in cpuset.cpus cpuset.mems; do
    cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$group/$file"
  done
done

mkdir -p "$STATE/node$i/log"
# `ip netns exec` would mount /sys anew and hide the control groups. --kill-child: the node lives and dies with this process.
nohup nice -n 5 nsenter --net="/run/netns/$net" \
  unshare --mount --uts --pid --fork --kill-child --mount-proc --propagation private \
  bash "$HERE/node.sh" "$i" >"$STATE/node$i/log/node.log" 2>&1 </dev/null &
echo $! >"$STATE/node$i.pid"
