#!/usr/bin/env bash
# bench/growth.sh [TRACES...] [--option...]: what a request and a stored span cost in stores of so many traces (10000 100000 1000000; the last takes
# twenty minutes), and how fast that grows. Similar traces are asked for by the service's own embedding and by vectors that clients gave. Prints tables in Markdown; bench/results/ has the figures as growth.json and growth.svg.
# shellcheck source=SCRIPTDIR/lib/begin.sh
. "${BASH_SOURCE[0]%/*}/lib/begin.sh"
sizes=()
while [[ ${1-} =~ ^[0-9]+$ ]]; do
    sizes+=("$1")
    shift
done
[ ${#sizes[@]} -gt 0 ] || sizes=(10000 100000 1000000)
bench_protocol
for traces in "${sizes[@]}"; do
    bench_up
    bench_store "$traces"
    bench_measure growth --own "$@"
    bench_down
    bench_up
    bench_store "$traces" given
    last=()
    [ "$traces" != "${sizes[-1]}" ] || last=(--last)
    bench_measure growth "${last[@]}" "$@"
    bench_down
done
