#!/bin/sh
# Puts the packages that production needs beside package.json and package-lock.json in the folder given:
# exactly those of the lock file, nothing of development, and no package's own install script is run.
set -eu
cd "${1:?usage: install.sh <folder>}"
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
