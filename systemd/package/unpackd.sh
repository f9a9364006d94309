#!/bin/sh
# unpackd with the Node that came with it.
bin=$(dirname "$(readlink -f "$0")")
exec "$bin/node" "$bin/../dist/unpackd.js" "$@"
