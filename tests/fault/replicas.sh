#!/usr/bin/env bash
# Several services on one database do nothing twice, and one takes over from another: replicas.py tells how.
# shellcheck source=SCRIPTDIR/lib.sh
. "$(dirname -- "$0")/lib.sh"
fault_cluster
fault_run replicas.py "$@"
