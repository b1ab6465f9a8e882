#!/usr/bin/env bash
# bench/write.sh [--option...]: exports of spans, logs and points as protobuf, protobuf with gzip and JSON, by 1, 4 and 16 clients, each
# acknowledged after its commit, against binary COPY of the same rows (bench/write/measure.py --help). Prints a table in Markdown;
# bench/results/ has the figures as write.json and write.svg.
# shellcheck source=SCRIPTDIR/lib/begin.sh
. "${BASH_SOURCE[0]%/*}/lib/begin.sh"
bench_up
bench_protocol
bench_measure write "$@"
