#!/bin/sh
# Makes the one folder that the service writes to, for the user it runs as. Nobody else may look at it:
# the database holds the numbers of callers.
set -eu
folder="${1:?usage: volume.sh <folder> <uid>:<gid>}"
mkdir -p "$folder"
chown "${2:?usage: volume.sh <folder> <uid>:<gid>}" "$folder"
chmod 700 "$folder"
