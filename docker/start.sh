#!/bin/sh
# The image's entrypoint. `exec` replaces the shell, so that signals reach the service and its exit code is
# the container's. Arguments are a subcommand of referee; without any it is `serve`.
set -eu
umask 077
cd "$(dirname "$0")/.."
exec node bin/referee.js "${@:-serve}"
