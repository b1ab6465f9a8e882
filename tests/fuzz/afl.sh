#!/usr/bin/env bash
# AFL++ takes the targets as they are: one of them is built by its compiler and fuzzed for some seconds, in persistent mode.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."

seconds=${TRACEKIN_TEST_FULL:+1800}
seconds=${seconds:-10}
executions_min=1000 # a mode that starts a process for each input would not reach it

command -v afl-clang-fast >/dev/null || { echo "no AFL++: skipped"; exit 77; }
work=$(mktemp -d "${TRACEKIN_TEST_DIR:-/tmp}/afl.XXXXXX")
trap 'rm -rf -- "$work"' EXIT

cmake --preset debug -B build/afl -DCMAKE_C_COMPILER=afl-clang-fast >/dev/null
cmake --build build/afl --target fuzz_params >"$work/build" 2>&1 || { tail -n 30 "$work/build"; exit 1; }

# It asks for a machine of its own: a governor of the processor, a core pattern, a free processor.
AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 \
    afl-fuzz -V "$seconds" -i tests/fuzz/corpus/params -o "$work/out" -- build/afl/tests/fuzz/fuzz_params >"$work/log" 2>&1 ||
    { tail -n 30 "$work/log"; exit 1; }

told() { sed -n "s/^$1 *: *//p" "$work/out/default/fuzzer_stats"; }
printf '%s executions, %s crashes, %s hangs; %s\n' "$(told execs_done)" "$(told saved_crashes)" "$(told saved_hangs)" "$(told target_mode)"
[ "$(told saved_crashes)" = 0 ] || { echo "AFL++ found inputs that end the target" >&2; exit 1; }
[ "$(told execs_done)" -ge "$executions_min" ] || { echo "that is too few" >&2; exit 1; }
grep -q persistent <<<"$(told target_mode)" || { echo "the target is not in persistent mode" >&2; exit 1; }
