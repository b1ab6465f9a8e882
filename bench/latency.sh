#!/usr/bin/env bash
# bench/latency.sh [TRACES [--option...]]: latency near saturation, beside idle connections, behind slow queries and during ingest, in
# a store of so many traces (10000). Prints a table in Markdown; bench/results/latency.json has the figures.
# shellcheck source=SCRIPTDIR/lib/begin.sh
. "${BASH_SOURCE[0]%/*}/lib/begin.sh"
traces=${1-10000}
bench_up
bench_store "$traces" given
bench_protocol
bench_measure latency "${@:2}"
