#!/usr/bin/env bash
# The benchmarks that documents show do what they say, on the demo's telemetry: real holds every answer to the files, search finds the
# same by chunks as without, quality and similar end above their floors, micro measures, and each fails where it cannot measure or an
# answer is wrong.
. "$(dirname -- "$0")/lib.sh"

/usr/bin/python3 "$tree/dev.d/demo.py" 3 >"$work/demo.jsonl"
grep '^{"resourceSpans"' "$work/demo.jsonl" >"$work/traces.jsonl"
grep '^{"resourceLogs"' "$work/demo.jsonl" | gzip >"$work/logs.jsonl.gz"

address=$(free_address)
export TRACEKIN_REAL_PORT=${address##*:}
dev bench real "$work/traces.jsonl" "$work/logs.jsonl.gz" >"$work/real.md" || fail "bench real: $(cat "$work/real.md")"
grep -q '^| distinct spans, by SQL | 94 | 94 | equal |$' "$work/real.md" || fail "bench real printed: $(cat "$work/real.md")"

TRACEKIN_SEARCH_PORT=${address##*:} dev bench search 20000 >"$work/search.md" || fail "bench search: $(cat "$work/search.md")"
grep -q '^| a rare word: q=quotaexceeded | 5 |' "$work/search.md" || fail "bench search printed: $(cat "$work/search.md")"

# Other files than those imported: every difference is told.
sed '1d' "$work/traces.jsonl" >"$work/fewer.jsonl"
dev up --detach --data "$work/data" --listen "$address"
for file in traces.jsonl logs.jsonl.gz; do
    TRACEKIN_DATABASE_URL=$(<"$work/data/run/url") "$tree/build/release/tracekin" import "$work/$file"
done
while [ "$(sql "$work/data" 'SELECT count(*) FROM trace_arrivals')" != 0 ]; do sleep 0.2; done
expect_failure 'WRONG' /usr/bin/python3 "$tree/bench/real/verify.py" "$work/fewer.jsonl" "$work/logs.jsonl.gz" --url "http://$address"

expect_said 'precision@10 by trace' dev bench quality "$work/traces.jsonl"
/usr/bin/python3 "$tree/tests/dev/failures.py" >"$work/failures.jsonl"
expect_said '499 failing' dev bench quality "$work/failures.jsonl"
: >"$work/empty.jsonl"
expect_failure 'cannot measure' dev bench quality "$work/empty.jsonl"

dev bench micro --rounds 5 --round-ms 1 --items 100 >"$work/micro.md" || fail "bench micro: $(cat "$work/micro.md")"
grep -q '^| traces, protobuf | tracekin |' "$work/micro.md" || fail "bench micro printed: $(cat "$work/micro.md")"
expect_failure 'five rounds are the least' dev bench micro --rounds 4

address=$(free_address)
TRACEKIN_SIMILAR_PORT=${address##*:} dev bench similar 1000 >"$work/similar.md" || fail "bench similar: $(cat "$work/similar.md")"
grep -Eq '^\| 1,000 \| 20 \| [0-9]+ \| (1\.000|0\.9[0-9]+) ' "$work/similar.md" || fail "bench similar printed: $(cat "$work/similar.md")"
