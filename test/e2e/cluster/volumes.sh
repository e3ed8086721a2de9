#!/usr/bin/env bash
# volumes.sh: six volumes to be claimed, of the default class; those that were claimed and released are made anew, empty.
# All nodes see the same folders, as with a disk in the network.
set -euo pipefail
. "$(dirname "$0")/env.sh"

kubectl get persistentvolumes --output 'jsonpath={range .items[?(@.status.phase=="Released")]}{.metadata.name}{"\n"}{end}' |
  while read -r name; do
    kubectl delete persistentvolume "$name" >/dev/null
    rm -rf "${STATE:?}/volumes/${name#e2e-}"
  done
{
  cat "$HERE/config/storage.yaml"
  for n in $(seq 6); do
    mkdir -p "$STATE/volumes/$n" && chmod 777 "$STATE/volumes/$n"
    cat <<YAML
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: e2e-$n }
spec:
  storageClassName: e2e
  capacity: { storage: 20Gi }
  accessModes: [ReadWriteOnce, ReadWriteMany]
  hostPath: { path: $STATE/volumes/$n }
YAML
  done
} | kubectl apply -f - >/dev/null
