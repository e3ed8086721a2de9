#!/usr/bin/env bash
# kind.sh VERB…: what own.sh does, under the same verbs, by kind on a machine with Docker.
set -euo pipefail
. "$(dirname "$0")/env.sh"
name=tiangong-e2e

# Node 1 is the control plane, as in own.sh.
container() {
  case $1 in 1) echo "$name-control-plane" ;; 2) echo "$name-worker" ;; *) echo "$name-worker$(($1 - 1))" ;; esac
}

up() {
  mkdir -p "$PKI" "$STATE/volumes"
  if ! kind get clusters 2>/dev/null | grep -qx "$name"; then
    {
      printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n'
      for i in $(seq "$1"); do
        [ "$i" = 1 ] && role=control-plane || role=worker
        # All nodes see the same folder under the same path, as with own.sh.
        printf '  - role: %s\n    extraMounts: [{ hostPath: %s, containerPath: %s }]\n' "$role" "$STATE/volumes" "$STATE/volumes"
      done
    } | kind create cluster --name "$name" --wait 180s --kubeconfig "$KUBECONFIG" --config -
    # A pool with one agent on each node means each node.
    kubectl taint nodes "$name-control-plane" node-role.kubernetes.io/control-plane- >/dev/null
    kubectl delete storageclass standard >/dev/null
  fi
  bash "$HERE/volumes.sh"
}

case ${1:-} in
  up) up "${2:-3}" ;;
  down)
    kind delete cluster --name "$name"
    [ "${2:-}" = keep ] || rm -rf "$STATE"
    ;;
  kill) docker kill --signal KILL "$(container "$2")" >/dev/null ;;
  start) docker start "$(container "$2")" >/dev/null ;;
  load) for file in "${@:2}"; do kind load image-archive "$file" --name "$name"; done ;;
  tag)
    for node in $(kind get nodes --name "$name"); do
      docker exec "$node" ctr --namespace k8s.io images tag --force "$2" "$3" >/dev/null
    done
    ;;
  kill-pod)
    # shellcheck disable=SC2016
    docker exec "$(container "$2")" sh -c \
      'for id in $(crictl ps --quiet --label "io.kubernetes.pod.uid=$1"); do crictl stop --timeout 0 "$id"; done' sh "$3" >/dev/null
    ;;
  name) container "$2" ;;
  volumes) bash "$HERE/volumes.sh" ;;
  # Where containers of the nodes' network reach this machine.
  address) docker network inspect kind --format '{{range .IPAM.Config}}{{println .Gateway}}{{end}}' | grep -m1 -F . ;;
  *) fail "unknown verb: see the first lines of own.sh" ;;
esac
