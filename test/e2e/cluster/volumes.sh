#!/usr/bin/env bash
# volumes.sh: ten volumes to be claimed, of the default class. All nodes see the same folders, as with a disk in the network.
set -euo pipefail
. "$(dirname "$0")/env.sh"
{
  cat "$HERE/config/storage.yaml"
  for n in $(seq 10); do
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
} | PATH=$BIN:$PATH kubectl apply -f - >/dev/null
