#!/bin/sh
# Packs the program as it is published and unpacks it into the folder given: the image holds what npm would
# install, made here from the same sources.
set -eu
folder="${1:?usage: pack.sh <folder>}"
mkdir -p "$folder"
npm pack --pack-destination "$folder" --loglevel=error
tar -xzf "$folder"/*.tgz -C "$folder" --strip-components=1
rm "$folder"/*.tgz
