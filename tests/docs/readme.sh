#!/usr/bin/env bash
# README.md and the runbooks show what happens: each of their commands is run, in order, from a fresh clone's view.
. "$(dirname -- "$0")/../dev/lib.sh"

cd -- "$tree"
data=$work/data
address=$(free_address)
show() { /usr/bin/python3 tests/docs/run.py "$1" "$address" "$data" || fail "$1 does not tell the truth"; }

show README.md

# So that the runbook's repair has something to repair.
sql "$data" "INSERT INTO dead_letters (signal, reason, content_type, payload)
    SELECT 'logs', 'made by a test', 'application/json', convert_to(format(
        '{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"%s\",\"body\":{\"stringValue\":\"was a dead letter\"}}]}]}]}',
        (extract(epoch FROM now()) * 1e9)::bigint), 'UTF8')"
for runbook in docs/runbooks/*.md; do show "$runbook"; done
[ "$(sql "$data" "SELECT count(*) FROM dead_letters")" = 0 ] || fail "the runbook left the dead letter where it was"
[ "$(sql "$data" "SELECT count(*) FROM logs WHERE body = 'was a dead letter'")" = 1 ] || fail "the runbook lost the dead letter"
