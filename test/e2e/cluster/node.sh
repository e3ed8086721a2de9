#!/usr/bin/env bash
# Process 1 of node $1, in its own network, mount, pid and host name spaces. node-up.sh starts it.
set -uo pipefail
. "$(dirname "$0")/env.sh"
i=$1 ip=$(node_ip "$1") node=$STATE/node$1 log=$STATE/node$1/log
export PATH=$BIN:$PATH
mkdir -p "$node/cni" "$log"

# What programs of a node leave in these folders must not be seen on the machine, nor outlive the node.
mount --make-rshared /
mkdir -p /var/log/pods /var/log/containers /var/lib/cni
for folder in /run /var/log/pods /var/log/containers /var/lib/cni; do mount -t tmpfs tmpfs "$folder"; done
# What agents with access to their host keep there: each node has a disk of its own for that.
mkdir -p "$node/agents" /var/lib/tiangong-agent
mount --bind "$node/agents" /var/lib/tiangong-agent
echo 'nameserver 10.96.0.10' >"$node/resolv.conf"
mount --bind "$node/resolv.conf" /etc/resolv.conf
hostname "node$i"
# The kubelet sets these for the whole machine; here it finds them set already, in files of its own.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$node/sysctl/${setting%%=*}
  mkdir -p "$(dirname "$file")"
  echo "${setting##*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%%=*}"
done
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1

fill() {
  sed -e "s#@NODE@#$node#g; s#@PKI@#$PKI#g; s#@IP@#$ip#g; s#@I@#$i#g; s#@CGROUP@#$CGROUP#g; s#@SUBNET@#$(pod_subnet "$i")#g" \
    "$HERE/config/$1" >"$2"
}
fill containerd.toml "$node/containerd.toml"
fill cni.conflist "$node/cni/10-e2e.conflist"
fill kubelet.yaml "$node/kubelet.yaml"
fill kube-proxy.yaml "$node/kube-proxy.yaml"

# run NAME PROGRAM ARGS...: in the background, and again when it ends.
run() {
  local name=$1
  shift
  (while :; do
    "$@" >>"$log/$name.log" 2>&1
    echo "$name ended with $?" >>"$log/node.log"
    sleep 1
  done) &
}
api_server_ready() {
  curl -sf --max-time 5 --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" "$API_SERVER/readyz" >/dev/null
}

if [ "$i" = 1 ]; then
  run etcd etcd --name e2e --data-dir "$node/etcd" --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
  run apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --advertise-address="$ip" --bind-address=0.0.0.0 --secure-port=6443 \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --service-cluster-ip-range=10.96.0.0/16 --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key" \
    --kubelet-client-certificate="$PKI/kubelet-client.crt" --kubelet-client-key="$PKI/kubelet-client.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --audit-policy-file="$HERE/config/audit-policy.yaml" --audit-log-path="$node/audit.log" --audit-log-maxsize=500
fi
run containerd containerd -c "$node/containerd.toml"
until api_server_ready; do sleep 0.2; done
if [ "$i" = 1 ]; then
  run controller-manager kube-controller-manager --kubeconfig="$PKI/controller-manager.kubeconfig" \
    --use-service-account-credentials --service-account-private-key-file="$PKI/sa.key" --root-ca-file="$PKI/ca.crt" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --leader-elect=false --bind-address=127.0.0.1 --allocate-node-cidrs=false \
    --service-cluster-ip-range=10.96.0.0/16 --cluster-cidr=10.244.0.0/16 \
    --pvclaimbinder-sync-period=1s --node-monitor-grace-period=20s
  run scheduler kube-scheduler --kubeconfig="$PKI/scheduler.kubeconfig" --leader-elect=false --bind-address=127.0.0.1
fi
until ctr --address "$node/containerd.sock" version >/dev/null 2>&1; do sleep 0.1; done
for image in "$STATE"/images/*.tar; do
  ctr --address "$node/containerd.sock" -n k8s.io images import "$image" >>"$log/import.log" 2>&1
done
run kubelet kubelet --config="$node/kubelet.yaml" --kubeconfig="$PKI/node$i.kubeconfig" --hostname-override="node$i" \
  --node-ip="$ip" --root-dir="$node/kubelet" --cert-dir="$node/kubelet-pki" -v=2
run proxy kube-proxy --config="$node/kube-proxy.yaml"

trap 'exit 0' TERM
while :; do
  wait
  sleep 1
done
