#!/bin/sh
# An image that lacks a file or a package would otherwise fail only when it is started, so the build loads
# the whole program once.
set -eu
cd "$(dirname "$0")/.."
# The service's user cannot use what root compiled here.
NODE_DISABLE_COMPILE_CACHE=1 node bin/referee.js --help >/dev/null
