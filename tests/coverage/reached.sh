#!/usr/bin/env bash
# What the tests of the coverage build have reached of the layers below the process, by gcov's counters; runs after all of them.
# build/coverage/report.txt tells which lines were missed.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
least_line=90 least_branch=75

gcovr --root . --filter core/ --filter db/ --filter api/ -j "$(nproc)" --txt build/coverage/report.txt --print-summary \
    --fail-under-line "$least_line" --fail-under-branch "$least_branch" build/coverage || {
    printf 'FAILED: less than %s%% of the lines or %s%% of the branches of core, db and api: build/coverage/report.txt\n' \
        "$least_line" "$least_branch" >&2
    exit 1
}
