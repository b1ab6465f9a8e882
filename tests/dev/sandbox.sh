#!/usr/bin/env bash
# The released service lives in the sandboxes that are made for it: sandbox.py tells which. A sanitizer, valgrind and gcov have
# system calls and files of their own, so no other build can show it.
. "$(dirname -- "$0")/lib.sh"

data=$work/data
dev up --detach --data "$data" --listen "$(free_address)"
sql "$data" 'CREATE DATABASE sandbox'
url=$(sed 's,@/tracekin?,@/sandbox?,' "$data/run/url")
TRACEKIN_DATABASE_URL=$url /usr/bin/python3 -B "$tree/tests/dev/sandbox.py" "$tree/build/release/tracekin"
