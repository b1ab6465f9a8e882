#!/usr/bin/env bash
# bench/real.sh TRACES LOGS [DIR]: imports two files of OTLP/JSON lines (plain, .gz or .xz) into a new database, as `./dev up`
# makes it, and holds every answer to the files (bench/real/verify.py). Prints tables in Markdown.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 2 ] || { echo "usage: $0 TRACES LOGS [DIR]" >&2 && exit 2; }
command -v python3 >/dev/null || { echo "$0 needs python3" >&2 && exit 2; }
work=${3-$(mktemp -d "${TMPDIR:-/tmp}/tracekin-real.XXXXXX")}
listen=127.0.0.1:${TRACEKIN_REAL_PORT:-14318}

clean() {
    local status=$?
    trap - EXIT
    "$tree/dev" down --data "$work/data" >&2 || true
    [ -n "${keep-}" ] || rm -rf -- "$work"
    exit "$status"
}
[ $# -lt 3 ] || { mkdir -p "$work" && keep=yes; }
trap clean EXIT
trap 'exit 130' INT TERM

# Unpacked before the clock runs: the figures are of the import.
unpack() {
    case $1 in
        *.gz) gzip -dc -- "$1" ;;
        *.xz) xz -dc -- "$1" ;;
        *) cat -- "$1" ;;
    esac >"$2"
}

sql() { "$tree/dev" psql --data "$work/data" -- -XAt -v ON_ERROR_STOP=1 -c "$1"; }
now() { date +%s.%N; }
seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f", to - from }'; }
per_second() { awk -v n="$1" -v from="$2" -v to="$3" 'BEGIN { printf "%.0f", n / (to - from) }'; }

import() { TRACEKIN_DATABASE_URL=$(<"$work/data/run/url") "$tree/build/release/tracekin" import "$1" >&2; }

wait_assembled() {
    while [ "$(sql 'SELECT count(*) FROM trace_arrivals')" != 0 ]; do sleep 0.2; done
}

unpack "$1" "$work/traces.jsonl"
unpack "$2" "$work/logs.jsonl"
"$tree/dev" up --detach --data "$work/data" --listen "$listen" >&2

t0=$(now)
import "$work/traces.jsonl"
t1=$(now)
wait_assembled
t2=$(now)
import "$work/logs.jsonl"
t3=$(now)
wait_assembled
n_spans=$(sql 'SELECT count(*) FROM spans')
n_lines=$(grep -o '"startTimeUnixNano"' "$work/traces.jsonl" | wc -l)
n_traces=$(sql 'SELECT count(*) FROM traces')
n_logs=$(sql 'SELECT count(*) FROM logs')

cat <<TABLE
$(nproc) processors, PostgreSQL $(sql 'SHOW server_version'), fsync $(sql 'SHOW fsync'), synchronous_commit $(sql 'SHOW synchronous_commit'):

| Import | Rows | Seconds | Rows/s |
|---|--:|--:|--:|
| spans sent, acknowledged after commit, indexed | $n_lines | $(seconds "$t0" "$t1") | $(per_second "$n_lines" "$t0" "$t1") |
| the same until the last of $n_traces traces was assembled and embedded ($n_spans distinct spans) | $n_lines | $(seconds "$t0" "$t2") | $(per_second "$n_lines" "$t0" "$t2") |
| logs, acknowledged after commit, indexed | $n_logs | $(seconds "$t2" "$t3") | $(per_second "$n_logs" "$t2" "$t3") |

TABLE
python3 "$tree/bench/real/verify.py" "$work/traces.jsonl" "$work/logs.jsonl" --url "http://$listen" \
    --sql "$(printf '%q ' "$tree/dev" psql --data "$work/data" -- -XAt -c)"
