#!/usr/bin/env bash
# Up twice, down twice, and the data is there afterwards.
. "$(dirname -- "$0")/lib.sh"

data=$work/data
address=$(free_address)
dev up --detach --data "$data" --listen "$address"
ready "$address" || fail "not ready after up --detach"
sql "$data" 'CREATE TABLE kept AS SELECT 42 AS n'
service=$(service_of "$data") postgres=$(postgres_of "$data")

expect_said 'Already up' dev up --detach --data "$data" --listen "$address"
expect_said 'Already up' dev up --data "$data"
[ "$(service_of "$data") $(postgres_of "$data")" = "$service $postgres" ] || fail "a second up changed the processes"
expect_failure "already runs on this data folder, at $address" dev up --detach --data "$data" --listen "$(free_address)"

dev down --data "$data"
gone "$service" || fail "down left the service running"
gone "$postgres" || fail "down left PostgreSQL running"
! ready "$address" || fail "something still answers at $address"
dev down --data "$data" || fail "a second down exits $?"

# At the same moment, too, under a caller whose own lock is the descriptor that ./dev uses for its.
exec 9>"$work/lock of the caller"
dev up --detach --data "$data" --listen "$address" &
first=$!
dev up --detach --data "$data" --listen "$address" || fail "one of two at once exits $?"
wait "$first" || fail "the other of two at once exits $?"
[ "$(sql "$data" 'SELECT n FROM kept')" = 42 ] || fail "the data did not outlive down and up"
