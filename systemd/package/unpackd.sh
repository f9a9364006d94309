#!/bin/sh
# unpackd with the Node that came with it.
bin=$(dirname "$(readlink -f "$0")")
# Why so: daemon/cli/v8-flags.ts.
exec "$bin/node" --min-semi-space-size=4 "$bin/../dist/unpackd.js" "$@"
