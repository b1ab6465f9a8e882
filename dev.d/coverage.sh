# What the tests reach of the layers below the process, by gcov's counters in build/coverage.
# shellcheck shell=bash

coverage_least_line=90
coverage_least_branch=75

# Counters of an earlier run, or of sources that have changed since, tell nothing of the next.
coverage_begin() { find "$tree/build/coverage" -name '*.gcda' -delete; }

# Fails below the least; build/coverage/report.txt tells which lines were missed.
coverage_check() {
    (cd "$tree" && gcovr --root . --filter core/ --filter db/ --filter api/ -j "$(nproc)" --txt build/coverage/report.txt --print-summary \
        --fail-under-line "$coverage_least_line" --fail-under-branch "$coverage_least_branch" build/coverage) ||
        die "the tests reach less than $coverage_least_line% of the lines or $coverage_least_branch% of the branches of core, db and api: build/coverage/report.txt"
}
