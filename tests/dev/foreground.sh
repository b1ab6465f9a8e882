#!/usr/bin/env bash
# In the foreground, SIGINT (Ctrl-C), SIGTERM and a `down` from elsewhere each stop both in order, with exit status 0.
. "$(dirname -- "$0")/lib.sh"

data=$work/data
address=$(free_address)

for how in INT TERM down; do
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
