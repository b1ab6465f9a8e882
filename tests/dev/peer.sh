#!/usr/bin/env bash
# The peer that the service is measured against answers as the service does, and stores what it does; it goes when it is stopped.
. "$(dirname -- "$0")/lib.sh"
for part in say process packages; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done
# shellcheck source=SCRIPTDIR/../../bench/peer/peer.sh
. "$tree/bench/peer/peer.sh"
trap 'status=$?; peer_stop; clean "$status"' EXIT

address=$(free_address)
dev up --detach --data "$work/data" --listen "$address"
dev demo --data "$work/data"
while [ "$(sql "$work/data" 'SELECT count(*) FROM trace_arrivals')" != 0 ]; do sleep 0.2; done

port=$(free_address)
port=${port##*:}
peer_start "$port" "$(<"$work/data/run/url")" "$work/peer.log"
expect_said 'requests are answered alike' /usr/bin/python3 "$tree/bench/peer/compare.py" "http://$address" "http://127.0.0.1:$port"
[ ! -s "$work/peer.log" ] || fail "the peer said: $(cat "$work/peer.log")"

# What is answered differently is told.
expect_failure '/api/v1/services' /usr/bin/python3 "$tree/bench/peer/compare.py" "http://$address" "http://127.0.0.1:$port" \
    /api/v1/services

job=$peer_job
peer_stop
gone "$job" || fail "the peer outlives peer_stop"
! peer_answers "$port" || fail "a worker of the peer outlives it"
