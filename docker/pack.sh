#!/bin/sh
# Packs the program as it is published and unpacks it into the given folder, so that the image contains what
# npm would install.
set -eu
folder="${1:?usage: pack.sh <folder>}"
mkdir -p "$folder"
npm pack --pack-destination "$folder" --loglevel=error
tar -xzf "$folder"/*.tgz -C "$folder" --strip-components=1
rm "$folder"/*.tgz
