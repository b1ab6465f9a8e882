#!/usr/bin/env bash
# Two at once on one port: the one that is slower does not take the other's answers for its own.
. "$(dirname -- "$0")/lib.sh"

address=$(free_address)

# It finds the port free, and then waits for its database while the other takes the port.
TRACEKIN_DATABASE_URL='postgresql://nobody@127.0.0.1:1/none' TRACEKIN_STARTUP_TIMEOUT=60s \
    dev up --detach --data "$work/slow" --listen "$address" >"$work/said" 2>&1 &
slow=$!
until [ -s "$work/slow/run/service" ]; do
    kill -0 "$slow" || fail "up ended: $(<"$work/said")"
    sleep 0.1
done
service=$(service_of "$work/slow")
dev up --detach --data "$work/fast" --listen "$address"
sleep 2
! gone "$service" || fail "the slow one's service has ended: nothing was tested"
kill -0 "$slow" || fail "the slow one took the other's answers for its own: $(<"$work/said")"

kill "$service"
! wait "$slow" || fail "the slow one's up succeeded: $(<"$work/said")"
grep -q 'did not start' "$work/said" || fail "the slow one said: $(<"$work/said")"
ready "$address" || fail "the fast one does not answer any more"
