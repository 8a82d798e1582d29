#!/bin/sh
# Creates the only folder that the service writes to, for the user it runs as. Nobody else may read it,
# because the database contains callers' numbers.
set -eu
folder="${1:?usage: volume.sh <folder> <uid>:<gid>}"
mkdir -p "$folder"
chown "${2:?usage: volume.sh <folder> <uid>:<gid>}" "$folder"
chmod 700 "$folder"
