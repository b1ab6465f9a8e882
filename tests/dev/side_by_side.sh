#!/usr/bin/env bash
# Two at once on two data folders and ports, started at the same moment, each with its own PostgreSQL.
. "$(dirname -- "$0")/lib.sh"

first=$(free_address) second=$(free_address)
dev up --detach --data "$work/one" --listen "$first" &
one=$!
dev up --detach --data "$work/two" --listen "$second" &
two=$!
wait "$one" || fail "the first did not come up"
wait "$two" || fail "the second did not come up"
ready "$first" || fail "the first is not ready"
ready "$second" || fail "the second is not ready"

sql "$work/one" 'CREATE TABLE of_one (n int)'
[ -z "$(sql "$work/two" "SELECT to_regclass('of_one')")" ] || fail "both share a database"

dev down --data "$work/one"
! ready "$first" || fail "the first still answers"
ready "$second" || fail "stopping the first stopped the second"
sql "$work/two" 'SELECT 1' >/dev/null
