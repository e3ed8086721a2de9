#!/usr/bin/env bash
# image.sh NAME PROGRAM OUT.tar: an image with one static program and nothing else, as `docker save` would write it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/root"
cp "$2" "$work/root/$(basename "$2")"
chmod 755 "$work/root/$(basename "$2")"
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$work/root" -cf "$work/layer.tar" .
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
cat >"$work/config.json" <<JSON
{"architecture":"$(dpkg --print-architecture)","os":"linux","config":{"Entrypoint":["/$(basename "$2")"],"User":"65532:65532"},
"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created_by":"image.sh"}]}
JSON
echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"$1\"],\"Layers\":[\"layer.tar\"]}]" >"$work/manifest.json"
tar -C "$work" -cf "$3" manifest.json config.json layer.tar
