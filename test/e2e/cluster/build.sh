#!/bin/sh
# Builds what a node runs (kubelet, kube-scheduler, kube-proxy, CoreDNS, the pause program) from its Go modules into the
# folder where test/kubernetes/build.sh leaves the control plane. About three minutes once; after that it only looks.
set -eu
cd "$(dirname "$0")"

sh ../../kubernetes/build.sh
version=$(sed -n 's/.*KUBERNETES_VERSION = .\([0-9.]*\).*/\1/p' ../../kubernetes/binaries.ts)
folder="$HOME/.cache/tiangong/kubernetes-$version"
names="kubelet kube-scheduler kube-proxy coredns pause"
wanted=$(cat build.sh node/go.mod node/go.sum node/cmd/*/main.go dns/go.mod dns/go.sum dns/main.go | cksum)
is_built() {
  [ "$(cat "$folder/node-built-from" 2>/dev/null)" = "$wanted" ] || return 1
  for name in $names; do [ -x "$folder/$name" ] || return 1; done
}
is_built && exit 0

mkdir -p "$folder"
exec 9>"$folder/node-lock"
flock 9
is_built && exit 0

minor=$(echo "$version" | cut -d. -f2)
stamp="-X k8s.io/component-base/version.gitVersion=v$version"
stamp="$stamp -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor"
# The flags are those of test/kubernetes/build.sh, so that Go's cache is shared.
export CGO_ENABLED=0
for name in $names; do
  echo "building $name for the e2e cluster (once; about three minutes for all)" >&2
  # CoreDNS has a module of its own: its dependencies would lift those of Kubernetes, and nothing would be shared.
  case $name in coredns) source=dns package=. ;; *) source=node package=./cmd/$name ;; esac
  (cd "$source" && nice -n 10 go build -p 2 -trimpath -ldflags "-s -w $stamp" -o "$folder/$name.new" "$package")
  mv "$folder/$name.new" "$folder/$name"
done
echo "$wanted" >"$folder/node-built-from"
