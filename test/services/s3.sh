#!/bin/bash
# S3: versitygw, compiled from its Go module, on a folder; test/testsecret.
. "$(dirname "$0")/lib.sh"

version=v1.8.0

install() { GOBIN=$files CGO_ENABLED=0 nice -n 10 go install -p 2 "github.com/versity/versitygw/cmd/versitygw@$version"; }

launch() {
  mkdir -p "$data"/{root,iam,sidecar,versions}
  background "$files/versitygw" --port "127.0.0.1:$port" --access test --secret testsecret --iam-dir "$data/iam" \
    posix --sidecar "$data/sidecar" --versioning-dir "$data/versions" "$data/root"
}

ready() { port_open; }

service s3 17070 "$@"
