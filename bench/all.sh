#!/usr/bin/env bash
# bench/all.sh: read, write, latency, peer and growth one after the other; an hour and a half.
set -euo pipefail
for name in read write latency peer growth; do
    printf '\n## %s\n\n' "$name"
    bash "${BASH_SOURCE[0]%/*}/$name.sh"
done
