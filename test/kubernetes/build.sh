#!/bin/sh
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from their Go modules into the user's cache, for the
# tests against a real API server. Takes about five minutes once; after that it only looks. Safe to call twice at a time.
set -eu
cd "$(dirname "$0")"

version=$(sed -n 's/.*KUBERNETES_VERSION = .\([0-9.]*\).*/\1/p' binaries.ts)
folder="$HOME/.cache/tiangong/kubernetes-$version"
names="etcd kube-apiserver kubectl kube-controller-manager"

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  exit 0
fi
# What was built is known by what it was built from.
wanted=$(cat go.mod go.sum build.sh cmd/*/main.go | cksum)
is_built() {
  [ "$(cat "$folder/built-from" 2>/dev/null)" = "$wanted" ] || return 1
  for name in $names; do [ -x "$folder/$name" ] || return 1; done
}
if is_built; then exit 0; fi
if ! command -v go >/dev/null 2>&1; then
  echo "*** Go is not installed: no real kube-apiserver can be built, and the tests against one will be SKIPPED." >&2
  echo "*** Install Go 1.26, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl." >&2
  exit 0
fi

mkdir -p "$folder"
if command -v flock >/dev/null 2>&1; then
  exec 9>"$folder/lock"
  flock 9
  if is_built; then exit 0; fi
fi

# The servers say which version they are, as a release does.
minor=$(echo "$version" | cut -d. -f2)
stamp="-X k8s.io/component-base/version.gitVersion=v$version"
stamp="$stamp -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor"
export CGO_ENABLED=0
for name in $names; do
  echo "building $name $version for the tests (once; about five minutes for all)" >&2
  nice -n 10 go build -p 2 -trimpath -ldflags "-s -w $stamp" -o "$folder/$name.new" "./cmd/$name"
  mv "$folder/$name.new" "$folder/$name"
done
echo "$wanted" >"$folder/built-from"
