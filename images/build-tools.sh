#!/bin/sh
# Builds kubectl and helm, static, for the image tiangong-agent-tools: `build-tools.sh FOLDER`. kubectl is that of
# test/kubernetes (the same module and flags, so that Go compiles it once). Takes some minutes the first time; after that
# it only looks. Safe to call twice at a time.
set -eu
folder=${1:?"usage: build-tools.sh FOLDER"}
cd "$(dirname "$0")"

kubernetes=$(sed -n "s/.*KUBECTL_VERSION = '\(.*\)'.*/\1/p" contents.ts)
helm=$(sed -n "s/.*HELM_VERSION = '\(.*\)'.*/\1/p" contents.ts)
mkdir -p "$folder"
if command -v flock >/dev/null 2>&1; then
  exec 9>"$folder/lock"
  flock 9
fi
# What was built is known by what it was built from.
wanted="kubectl $kubernetes, helm $helm, $(cat build-tools.sh ../test/kubernetes/go.mod | cksum)"
if [ "$(cat "$folder/built-from" 2>/dev/null)" = "$wanted" ] && [ -x "$folder/kubectl" ] && [ -x "$folder/helm" ]; then
  exit 0
fi
command -v go >/dev/null 2>&1 || { echo 'kubectl and helm are built from their Go modules: install Go 1.26' >&2; exit 1; }

export CGO_ENABLED=0
minor=$(echo "$kubernetes" | cut -d. -f2)
stamp="-X k8s.io/component-base/version.gitVersion=v$kubernetes"
stamp="$stamp -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor"
echo "building kubectl $kubernetes and helm $helm for the image tiangong-agent-tools (once)" >&2
(cd ../test/kubernetes && nice -n 10 go build -p 2 -trimpath -ldflags "-s -w $stamp" -o "$folder/kubectl" ./cmd/kubectl)
stamp="-X helm.sh/helm/v4/internal/version.version=v$helm"
GOBIN="$folder" nice -n 10 go install -p 2 -trimpath -ldflags "-s -w $stamp" "helm.sh/helm/v4/cmd/helm@v$helm"
# For the list of materials, which is made where there may be no Go.
for name in kubectl helm; do go version -m "$folder/$name" >"$folder/$name.modules"; done
echo "$wanted" >"$folder/built-from"
