#!/usr/bin/env bash
# In the foreground, SIGINT (Ctrl-C), SIGTERM and a `down` from elsewhere each stop both in order, with exit status 0.
. "$(dirname -- "$0")/lib.sh"

data=$work/data
address=$(free_address)

for how in INT TERM down; do
    : >"$work/said" # what the one before said must not be taken for this one's words
    # A job in the background would have SIGINT ignored.
    env --default-signal=INT "$tree/dev" up --data "$data" --listen "$address" >"$work/said" 2>&1 &
    foreground=$!
    until grep -q 'Ctrl-C stops it' "$work/said"; do
        kill -0 "$foreground" 2>/dev/null || fail "up ended: $(cat "$work/said")"
        sleep 0.1
    done
    service=$(service_of "$data") postgres=$(postgres_of "$data")
    if [ "$how" = down ]; then dev down --data "$data"; else kill -s "$how" "$foreground"; fi
    status=0
    wait "$foreground" || status=$?
    [ "$status" -eq 0 ] || fail "$how: up exits $status: $(cat "$work/said")"
    gone "$service" || fail "$how: the service still runs"
    gone "$postgres" || fail "$how: PostgreSQL still runs"
    [ ! -e "$data/pg/postmaster.pid" ] || fail "$how: PostgreSQL did not shut down in order"
done

: >"$work/said"
# A service that ended by itself may have been started anew by another `up` before this one has the lock.
env --default-signal=INT "$tree/dev" up --data "$data" --listen "$address" >"$work/said" 2>&1 &
foreground=$!
until grep -q 'Ctrl-C stops it' "$work/said"; do sleep 0.1; done
exec 8>"$data/run/lock"
flock 8
"$tree/dev" up --detach --data "$data" --listen "$address" >"$work/other" 2>&1 8>&- &
other=$!
until pgrep -P "$other" flock >/dev/null; do
    kill -0 "$other" || fail "the other up does not wait for the lock: $(<"$work/other")"
    sleep 0.1
done
kill -9 "$(service_of "$data")"
until grep -q 'Stopping' "$work/said"; do sleep 0.1; done
exec 8>&-
wait "$other" || fail "the other up failed: $(<"$work/other")"
wait "$foreground" || true
ready "$address" || fail "the first up, on its way out, stopped what the other had started: $(<"$work/said")"
