#!/usr/bin/env bash
# Nothing acknowledged is lost, and the service recovers, whatever is done to it: rounds.py tells how. Arguments go there.
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname -- "$0")/lib.sh"
fault_cluster
fault_run rounds.py "$@"
