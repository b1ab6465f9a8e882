#!/usr/bin/env bash
# A read-only service on a hot standby that streams from the primary: it answers what is asked, shows what is sent to the
# primary's service, and refuses to store.
# shellcheck disable=SC2154 # what is not assigned here is dev.d's
. "$(dirname -- "$0")/lib.sh"

primary=$work/primary
address=$(free_address)
dev up --detach --data "$primary" --listen "$address"
dev demo --data "$primary" >/dev/null

# dev.d's own functions make and start the standby, which must see the primary's socket.
for part in say process packages root postgres cluster; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done
primary_socket=$(<"$primary/run/socket")
cluster_folders "$work/replica"
cluster_folders_make
cluster_lock
postgres_pick "$primary/pg"
postgres_prepare
cluster_socket_make
printf '%s:x:%s:%s::/data:/bin/sh\n' "$postgres_user" "$postgres_uid" "$postgres_gid" >"$run_dir/passwd"
# shellcheck disable=SC2034
postgres_hide=(--bind "$primary_socket" "$primary_socket")
mkdir -m 0700 -- "$cluster"
chown "$postgres_uid:$postgres_gid" "$cluster"
# shellcheck disable=SC2016 # $PGDATA is the sandbox's
postgres_run "$cluster" sh -c 'exec "$1" --pgdata="$PGDATA" --host="$2" --username="$3" --write-recovery-conf --checkpoint=fast --no-sync' \
    sh "/usr/lib/postgresql/$postgres_major/bin/pg_basebackup" "$primary_socket" "$postgres_user"
cluster_start
cluster_unlock

replica=$(free_address)
export TRACEKIN_READ_ONLY=true
dev up --detach --data "$work/replica" --listen "$replica"
unset TRACEKIN_READ_ONLY
[ "$(sql "$work/replica" 'SELECT pg_is_in_recovery()')" = t ] || fail "it is no standby: nothing was tested"

# ask TARGET: the replica's answer, which must be a 200.
ask() { curl -sS --fail-with-body "http://$replica$1" || fail "$1 failed"; }

# Traces are summarised once they are quiet, and the standby replays a while later what the primary has committed.
for _ in {1..150}; do
    [ "$(sql "$primary" 'SELECT count(*) FROM trace_arrivals')" != 0 ] || break
    sleep 0.2
done
written=$(sql "$primary" 'SELECT pg_current_wal_lsn()')
for _ in {1..150}; do
    [ "$(sql "$work/replica" "SELECT pg_last_wal_replay_lsn() >= '$written'")" = f ] || break
    sleep 0.2
done
trace=$(ask '/api/v1/traces?status=error&limit=1' | grep -Eo '"trace_id":"[0-9a-f]{32}"' | sed -n '1s/.*"\([0-9a-f]*\)"$/\1/p') || true
[ -n "$trace" ] || fail "the replica has no traces"
for target in /readyz /metrics /api/v1/services /api/v1/services/orders/operations "/api/v1/traces/$trace" "/api/v1/traces/$trace/context" \
    "/api/v1/traces/$trace/similar?threshold=0.3" "/api/v1/traces/$trace/similar?group=pattern" '/api/v1/errors?q=timeout' \
    '/api/v1/logs?q=order' '/api/v1/logs?contains=order&since=2h' '/api/v1/logs?regex=order&since=2h' /api/v1/patterns \
    /api/v1/metrics/names '/api/v1/metrics/query?name=http.server.request.duration' /api/v1/stats; do
    ask "$target" >/dev/null
done
ask '/api/v1/errors?q=timeout' | grep '"message"' >/dev/null || fail "no error is found on the replica"
ask '/api/v1/logs?q=order' | grep '"message"' >/dev/null || fail "no log is found on the replica"

sent=00000000000000000000000000abcdef
body='{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"'$sent'","spanId":"0000000000000001","name":"GET /",
    "startTimeUnixNano":"'$(date +%s)000000000'","endTimeUnixNano":"'$(date +%s)000000000'"}]}]}]}'
send() { curl -s -o "$work/reply" -w '%{http_code}' "http://$1/v1/traces" -H 'Content-Type: application/json' -d "$body"; }
[ "$(send "$replica")" = 503 ] || fail "the replica's service did not refuse: $(<"$work/reply")"
grep -q 'one that writes' "$work/reply" || fail "it does not say what to do: $(<"$work/reply")"
[ "$(send "$address")" = 200 ] || fail "the primary's service refused: $(<"$work/reply")"
for _ in {1..150}; do
    ! curl -s "http://$replica/api/v1/traces?limit=100" | grep "$sent" >/dev/null || break
    sleep 0.2
done
ask '/api/v1/traces?limit=100' | grep "$sent" >/dev/null || fail "what was sent to the primary does not come to the replica"
! grep -E '"level":"(warn|error)"' "$work/replica/log/tracekin.log" || fail "its log complains"
