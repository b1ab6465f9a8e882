#!/usr/bin/env bash
# A target that fails is told of: alarm.sh BINARY [FOLDER], of the target alarm, with FOLDER by its fuzzer.
set -euo pipefail

binary=$1
place=${TRACEKIN_TEST_DIR:-}
[ -d "$place" ] || place=${TMPDIR:-/tmp}
work=$(mktemp -d "$place/tracekin-alarm.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
fail() {
    printf '%s\n' "$*" >&2
    cat "$work/out" >&2
    exit 1
}

if [ $# = 2 ]; then
    command=(bash "$2/run.sh" "$binary" "$2" "$work/crashes")
else
    printf 'BAD!' >"$work/input"
    command=("$binary" "$work/input")
fi
! "${command[@]}" >"$work/out" 2>&1 || fail "a target that fails is taken for one that does not"
reproducer=$(sed -n 's/^reproducer: //p' "$work/out")
[ -f "$reproducer" ] || fail "the input is not kept"
[ "$(head -c 3 "$reproducer")" = BAD ] || fail "the input that is kept is another"
[ "$(sed -n 's/^base64: //p' "$work/out")" = "$(base64 -w 0 "$reproducer")" ] || fail "the bytes of the input are not told"
grep -q 'this target fails on purpose' "$work/out" || fail "why it fails is not told"
