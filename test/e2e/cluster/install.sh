#!/usr/bin/env bash
# install.sh: what the cluster needs on this machine: Debian's container runtime, and the programs of build.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages='containerd runc containernetworking-plugins iptables nftables conntrack'
# shellcheck disable=SC2086
if ! dpkg-query -W $packages >/dev/null 2>&1; then
  {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages
  } >/dev/null
fi
# A folder named by KUBEBUILDER_ASSETS has no kubelet, and seldom a controller manager.
env -u KUBEBUILDER_ASSETS sh "$here/build.sh"
