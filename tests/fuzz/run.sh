#!/usr/bin/env bash
# Fuzzes one target: run.sh BINARY FOLDER CRASHES, for TRACEKIN_FUZZ_SECONDS (60; in the long form of the tests 1800).
#
# FOLDER is tests/fuzz. What is found of new inputs is thrown away; an input that ends the target, or takes too long, is kept in
# CRASHES, and told with its path and its bytes. In the end one line says how fast it went and how many edges it reached.
set -euo pipefail

input_max_s=20
memory_max_mb=3072

binary=$1 folder=$2 crashes=$3
name=${binary##*/fuzz_}
seconds=${TRACEKIN_FUZZ_SECONDS:-${TRACEKIN_TEST_FULL:+1800}}
seconds=${seconds:-60}

place=${TRACEKIN_TEST_DIR:-}
[ -d "$place" ] || place=${TMPDIR:-/tmp}
work=$(mktemp -d "$place/tracekin-fuzz.XXXXXX")
fuzzer=''
end() {
    [ -z "$fuzzer" ] || kill -KILL "$fuzzer" 2>/dev/null || true
    rm -rf -- "$work"
}
trap end EXIT
trap 'exit 143' INT TERM HUP

mkdir -p "$work/found" "$crashes"
arguments=(-max_total_time="$seconds" -timeout="$input_max_s" -rss_limit_mb="$memory_max_mb" -print_final_stats=1
    -artifact_prefix="$crashes/$name-")
dictionary=$folder/dictionaries/$name.dict
[ ! -f "$dictionary" ] || arguments+=(-dict="$dictionary")
arguments+=("$work/found")
for inputs in "$folder/corpus/$name" "$folder/regressions/$name"; do
    [ ! -d "$inputs" ] || arguments+=("$inputs")
done

# It ends with this script, even when that is killed.
setpriv --pdeathsig KILL "$binary" "${arguments[@]}" >"$work/log" 2>&1 &
fuzzer=$!
status=0
wait "$fuzzer" || status=$?
fuzzer=''

if [ "$status" != 0 ]; then
    grep -v '^#[0-9]*[[:space:]]*\(NEW\|REDUCE\|pulse\|RELOAD\)' "$work/log" | tail -n 150
    reproducer=$(sed -n 's/.*Test unit written to //p' "$work/log" | tail -n 1)
    if [ -n "$reproducer" ]; then
        printf 'reproducer: %s\nbase64: %s\nagain: %s %s\n' "$reproducer" "$(head -c 8192 "$reproducer" | base64 -w 0)" "$binary" "$reproducer"
    fi
    exit 1
fi
sed -n 's/^INFO: Seed: /seed /p' "$work/log"
grep 'cov: ' "$work/log" | tail -n 1
sed -n 's/^stat::\(number_of_executed_units\|average_exec_per_sec\|peak_rss_mb\): */\1 /p' "$work/log"
