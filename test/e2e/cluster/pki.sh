#!/usr/bin/env bash
# pki.sh NODES: the cluster's certificates and kubeconfigs in $PKI. What is there already is kept.
set -euo pipefail
. "$(dirname "$0")/env.sh"
mkdir -p "$PKI"
cd "$PKI"

if [ ! -f ca.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=tiangong-e2e \
    -keyout ca.key -out ca.crt 2>/dev/null
  openssl genrsa -out sa.key 2048 2>/dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
fi

# certificate NAME SUBJECT serverAuth|clientAuth [SAN]
certificate() {
  [ ! -f "$1.crt" ] || return 0
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  {
    echo 'keyUsage=digitalSignature,keyEncipherment'
    echo "extendedKeyUsage=$3"
    [ -z "${4:-}" ] || echo "subjectAltName=$4"
  } >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" -extfile "$1.ext" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

# client NAME SUBJECT: a client certificate and a kubeconfig that carries it
client() {
  certificate "$1" "$2" clientAuth
  cat >"$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
  - name: e2e
    cluster: { server: '$API_SERVER', certificate-authority-data: $(base64 -w0 ca.crt) }
users:
  - name: $1
    user: { client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key") }
contexts:
  - { name: e2e, context: { cluster: e2e, user: $1 } }
current-context: e2e
YAML
}

names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
certificate apiserver /CN=kube-apiserver serverAuth "$names,IP:127.0.0.1,IP:10.96.0.1,IP:$(node_ip 1)"
client kubelet-client /O=system:masters/CN=apiserver-kubelet-client
client admin /O=system:masters/CN=admin
client controller-manager /CN=system:kube-controller-manager
client scheduler /CN=system:kube-scheduler
client proxy /CN=system:kube-proxy
for i in $(seq "$1"); do
  client "node$i" "/O=system:nodes/CN=system:node:node$i"
  # kubectl logs and exec: kube-apiserver checks the kubelet's certificate against the node's address.
  certificate "kubelet$i" "/O=system:nodes/CN=system:node:node$i" serverAuth "DNS:node$i,IP:$(node_ip "$i"),IP:127.0.0.1"
done
