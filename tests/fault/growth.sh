#!/usr/bin/env bash
# A service under mixed load grows nothing: growth.py tells how.
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname -- "$0")/lib.sh"
fault_cluster
fault_run growth.py "$@"
