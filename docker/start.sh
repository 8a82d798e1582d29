#!/bin/sh
# What the image starts. `exec` leaves the shell out: signals reach the service itself, and it is the one
# whose exit code counts. Arguments are a subcommand of referee; none is `serve`.
set -eu
umask 077
cd "$(dirname "$0")/.."
exec node bin/referee.js "${@:-serve}"
