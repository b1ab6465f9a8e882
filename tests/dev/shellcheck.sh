#!/usr/bin/env bash
# The shell of ./dev, of its tests and of CI is shellcheck-clean.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
shellcheck --external-sources --check-sourced dev .ci/run
shellcheck --external-sources --source-path=SCRIPTDIR tests/dev/*.sh tests/docker/*.sh tests/docs/*.sh tests/fault/*.sh tests/fuzz/*.sh tests/lint/*.sh \
    tests/static/*.sh tests/alarm/*.sh tests/coverage/*.sh
