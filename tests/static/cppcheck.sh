#!/usr/bin/env bash
# cppcheck over the service. What it is told to pass over stands in cppcheck.txt, each with its reason.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
# shellcheck source=tests/static/alarm.sh
. tests/static/alarm.sh

check() {
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --library=posix \
        --suppressions-list=tests/static/cppcheck.txt "$@"
}

cmake --preset analyzer -B build/cppcheck >/dev/null
mkdir -p build/cppcheck/found
alarm "cppcheck" check tests/static/defect.c
check --project=build/cppcheck/compile_commands.json --cppcheck-build-dir=build/cppcheck/found -j "$(nproc)"
