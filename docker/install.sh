#!/bin/sh
# Installs exactly the packages of the lock file into the given folder, beside package.json and
# package-lock.json: those for production, or with "all" also those for building. No install scripts run.
set -eu
cd "${1:?usage: install.sh <folder> [all]}"
case "${2:-}" in
  all) kinds=--include=dev ;;
  *) kinds=--omit=dev ;;
esac
npm ci "$kinds" --ignore-scripts --no-audit --no-fund --loglevel=error
