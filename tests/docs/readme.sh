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
# So that the runbook of the vector index has one to manage.
sql "$data" "INSERT INTO traces (trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count, error_count,
    embedding, embedding_model) SELECT decode(lpad(to_hex(i), 32, '0'), 'hex'), 'given', 'n', to_timestamp(i), to_timestamp(i), i::bigint * 1000000000, i::bigint * 1000000000,
    0, 'ok', 0, 0, (SELECT array_agg(CASE WHEN d = i % 20 THEN 1 ELSE 0 END + 0.03 * sin(i * 7.13 + d * (1 + i % 17)) ORDER BY d)::vector
    FROM generate_series(1, 384) AS d), 'given' FROM generate_series(1, 1500) AS i"
for _ in {1..100}; do
    [ "$(sql "$data" "SELECT count(*) FROM vector_indexes WHERE recall IS NOT NULL")" = 0 ] || break
    sleep 0.2
done
for runbook in docs/runbooks/*.md; do show "$runbook"; done
/usr/bin/python3 tests/docs/names.py "$address" docs/runbooks/*.md || fail "a runbook names what is not there"
[ "$(sql "$data" "SELECT count(*) FROM dead_letters")" = 0 ] || fail "the runbook left the dead letter where it was"
[ "$(sql "$data" "SELECT count(*) FROM logs WHERE body = 'was a dead letter'")" = 1 ] || fail "the runbook lost the dead letter"
