#!/bin/sh
# Puts packages beside package.json and package-lock.json in the folder given, exactly those of the lock file:
# what production needs, or with "all" what building needs too. No package's own install script is run.
set -eu
cd "${1:?usage: install.sh <folder> [all]}"
case "${2:-}" in
  all) kinds=--include=dev ;;
  *) kinds=--omit=dev ;;
esac
npm ci "$kinds" --ignore-scripts --no-audit --no-fund --loglevel=error
