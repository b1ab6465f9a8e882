#!/usr/bin/env bash
# The benchmarks that compare, in their shortest form: each measures something and leaves its figures, and one that cannot measure says
# so and fails. What they find of speed is not asserted.
. "$(dirname -- "$0")/lib.sh"

address=$(free_address)
export TRACEKIN_BENCH_PORT=${address##*:} TRACEKIN_BENCH_RESULTS=$work/results
address=$(free_address)
export TRACEKIN_PEER_PORT=${address##*:}

# measured NAME ROWS ARG...: the benchmark ends well, and its figures have that many rows.
measured() {
    local name=$1 rows=$2
    shift 2
    dev bench "$name" "$@" >"$work/$name.md" 2>"$work/$name.err" || fail "bench $name: $(cat "$work/$name.md" "$work/$name.err")"
    [ "$(/usr/bin/python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["rows"]))' "$work/results/$name.json")" = "$rows" ] ||
        fail "bench $name printed: $(cat "$work/$name.md")"
}

# What is measured just now is shown on a terminal.
shown=$(PYTHONPATH=$tree/bench /usr/bin/python3 -c 'import pty, sys
pty.spawn([sys.executable, "-c", "from lib import report; report.Progress(2).step(\"reads\")"])')
case $shown in *'] 1/2 reads'*) ;; *) fail "no progress was shown: $shown" ;; esac

measured read 8 300 --rounds 1 --seconds 1 --connections 1 2 --endpoints services similar errors logs
grep -Eq '^\| similar \| 2 \| [0-9,.]+ \|.* \| [0-9.]+ \|$' "$work/read.md" || fail "bench read printed: $(cat "$work/read.md")"
[ -s "$work/results/read.svg" ] || fail "bench read left no plot"
measured write 9 --rounds 1 --requests 4 --items 100 --clients 2
measured latency 12 300 --rounds 1 --seconds 1 --ingest-seconds 2
measured peer 5 300 --rounds 1 --seconds 1
measured growth 20 200 400 --rounds 1 --requests 4
grep -q '^| GET similar | ' "$work/growth.md" || fail "bench growth printed: $(cat "$work/growth.md")"

expect_failure 'there is no endpoint nowhere here' dev bench read 300 --endpoints nowhere
expect_failure 'there is no benchmark' dev bench nowhere
