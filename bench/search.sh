#!/usr/bin/env bash
# bench/search.sh [LINES] [DIR]: imports so many log lines (1,000,000) of one day into a new database, as `./dev up` makes it,
# and searches them, first read as a whole and then by chunks. Prints tables in Markdown; fails when the two find other things.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
lines=${1-1000000}
command -v python3 >/dev/null || { echo "$0 needs python3" >&2 && exit 2; }
work=${2-$(mktemp -d "${TMPDIR:-/tmp}/tracekin-search.XXXXXX")}
listen=127.0.0.1:${TRACEKIN_SEARCH_PORT:-14319}
chunker_lock="x'7472616365006d36'::bigint" # db/session/advisory.h
day="1674950400000000000, 1675036799999999999"

clean() {
    local status=$?
    trap - EXIT
    "$tree/dev" down --data "$work/data" >&2 || true
    [ -n "${keep-}" ] || rm -rf -- "$work"
    exit "$status"
}
[ $# -lt 2 ] || { mkdir -p "$work" && keep=yes; }
trap clean EXIT
trap 'exit 130' INT TERM

sql() { "$tree/dev" psql --data "$work/data" -- -qXAt -v ON_ERROR_STOP=1 -c "$1"; }
now() { date +%s.%N; }
seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f", to - from }'; }
per_second() { awk -v n="$1" -v from="$2" -v to="$3" 'BEGIN { printf "%.0f", n / (to - from) }'; }
import() { TRACEKIN_DATABASE_URL=$(<"$work/data/run/url") "$tree/build/release/tracekin" import "$work/lines.jsonl" >&2; }
ask() { python3 "$tree/bench/search/ask.py" "http://$listen" "$1"; }

# Until it is ended, no chunks are built.
hold_chunker() {
    sql "SELECT pg_advisory_lock($chunker_lock), pg_sleep(86400)" >/dev/null 2>&1 &
    until sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chunker'" >/dev/null &&
        [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_advisory_lock%' AND wait_event = 'PgSleep'")" = 1 ]; do
        sleep 0.1
    done
}
release_chunker() { sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'" >/dev/null; }

python3 "$tree/bench/search/lines.py" "$lines" >"$work/lines.jsonl"
"$tree/dev" up --detach --data "$work/data" --listen "$listen" >&2

hold_chunker
sql "ALTER TABLE logs DISABLE TRIGGER tell_arrivals"
t0=$(now)
import
t1=$(now)
sql "INSERT INTO log_arrivals (from_ns, to_ns, n_rows) VALUES ($day, 0)"
sql "VACUUM ANALYZE logs"
ask 3 >"$work/whole"

sql "TRUNCATE logs, log_arrivals"
sql "ALTER TABLE logs ENABLE TRIGGER tell_arrivals"
release_chunker
t2=$(now)
import
t3=$(now)
while [ "$(sql "SELECT count(*) FROM log_arrivals WHERE n_rows > 0")" != 0 ]; do sleep 0.2; done
t4=$(now)
sql "VACUUM ANALYZE logs, log_chunks"
ask 9 >"$work/chunks"

cat <<TABLE
$(nproc) processors, PostgreSQL $(sql 'SHOW server_version'), fsync $(sql 'SHOW fsync'), synchronous_commit $(sql 'SHOW synchronous_commit'):

| Import of $lines lines | Seconds | Lines/s |
|---|--:|--:|
| without chunks | $(seconds "$t0" "$t1") | $(per_second "$lines" "$t0" "$t1") |
| with chunks built in the background | $(seconds "$t2" "$t3") | $(per_second "$lines" "$t2" "$t3") |
| the same until the last was in a chunk | $(seconds "$t2" "$t4") | $(per_second "$lines" "$t2" "$t4") |

Chunks: $(sql "SELECT count(*) FROM log_chunks"), with their index $(sql "SELECT pg_size_pretty(sum(pg_total_relation_size(inhrelid))) FROM pg_inherits WHERE inhparent = 'log_chunks'::regclass"); the logs: $(sql "SELECT pg_size_pretty(sum(pg_total_relation_size(inhrelid))) FROM pg_inherits WHERE inhparent = 'logs'::regclass").

| Search of the day, 100 at most | Found | Read as a whole, ms | By chunks, ms |
|---|--:|--:|--:|
TABLE
paste "$work/whole" "$work/chunks" | awk -F '\t' '
    { printf "| %s | %s | %s | %s |\n", $1, $5, $3, $6; if ($2 != $5) { wrong = 1; print $1 ": " $2 " read as a whole" >"/dev/stderr" } }
    END { exit wrong }'
