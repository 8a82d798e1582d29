#!/bin/sh
# An image that lacks a file or a package would fail only when it is started: loading the whole program
# while the image is made finds that out here.
set -eu
cd "$(dirname "$0")/.."
node bin/referee.js --help >/dev/null
