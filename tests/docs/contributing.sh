#!/usr/bin/env bash
# CONTRIBUTING.md shows how to replay what a fuzzer found: its commands are run, where all of the tests are built.
. "$(dirname -- "$0")/../dev/lib.sh"

cd -- "$tree"
for variant in asan fuzz; do
    [ -x "build/$variant/tests/fuzz/fuzz_params" ] || exit 77
done
/usr/bin/python3 tests/docs/run.py CONTRIBUTING.md "$(free_address)" "$work/data" || fail "CONTRIBUTING.md does not tell the truth"
