#!/bin/sh
# An image that lacks a file or a package would fail only when it is started: loading the whole program
# while the image is made finds that out here.
set -eu
cd "$(dirname "$0")/.."
# What root compiled here is of no use to the user of the service.
NODE_DISABLE_COMPILE_CACHE=1 node bin/referee.js --help >/dev/null
