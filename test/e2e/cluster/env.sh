# Names and addresses of the cluster, for the scripts beside this file. Sourced, not run.
# Everything of a cluster that is on disk is in STATE; on the machine itself only the bridge, the network namespaces
# and the control groups named here appear while it runs.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=${TIANGONG_E2E_STATE:-/var/tmp/tiangong-e2e}
VERSION=$(sed -n 's/.*KUBERNETES_VERSION = .\([0-9.]*\).*/\1/p' "$HERE/../../kubernetes/binaries.ts")
BIN=$HOME/.cache/tiangong/kubernetes-$VERSION
PKI=$STATE/pki
BRIDGE=tge2e0
GATEWAY=172.30.77.1
API_SERVER=https://172.30.77.11:6443
CGROUP=tiangong-e2e
export KUBECONFIG=$PKI/admin.kubeconfig
export PATH=$BIN:$PATH

node_ip() { echo "172.30.77.$((10 + $1))"; }
pod_subnet() { echo "10.244.$1.0/24"; }
# The name of the network namespace of a node, and of the end of its cable on the bridge.
node_net() { echo "tge2e$1"; }

fail() {
  echo "test/e2e/cluster: $*" >&2
  exit 1
}

# The process that a node's namespaces hang on: when it dies, all of the node dies.
sandbox_pid() {
  local pid
  pid=$(cat "$STATE/node$1.pid" 2>/dev/null) || return 1
  grep -qz e2e/cluster/node.sh "/proc/$pid/cmdline" 2>/dev/null || return 1
  echo "$pid"
}

# Process 1 of a node, as the machine sees it: what `nsenter -t` wants.
init_pid() {
  local pid
  pid=$(sandbox_pid "$1") || return 1
  awk '{print $1}' "/proc/$pid/task/$pid/children"
}
