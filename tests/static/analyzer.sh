#!/usr/bin/env bash
# gcc's -fanalyzer follows the paths of every function of the service; each of its warnings is an error.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
# shellcheck source=tests/static/alarm.sh
. tests/static/alarm.sh

[ -f build/analyzer/build.ninja ] || cmake --preset analyzer
alarm "gcc -fanalyzer" gcc -fanalyzer -Werror -c -o /dev/null tests/static/defect.c
cmake --build build/analyzer --target tracekin
