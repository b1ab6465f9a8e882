#!/usr/bin/env bash
# clang-tidy over the service, by the checks of .clang-tidy; each of its warnings is an error.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
# shellcheck source=tests/static/alarm.sh
. tests/static/alarm.sh

cmake --preset tsan -B build/tidy >/dev/null
alarm "clang-tidy" clang-tidy --quiet --warnings-as-errors='*' tests/static/defect.c --
find core db api service -name '*.c' -print0 |
    xargs -0 -n 8 -P "$(nproc)" clang-tidy --quiet -p build/tidy --warnings-as-errors='*'
