#!/usr/bin/env bash
# bench/read.sh [TRACES [--option...]]: every endpoint that reads, in a store of so many traces (10000) with vectors of their own, at
# 1, 8 and 64 connections, against pgbench with the statements that the service ran (bench/read/measure.py --help). Prints a table in
# Markdown; bench/results/ has the figures as read.json and read.svg.
# shellcheck source=SCRIPTDIR/lib/begin.sh
. "${BASH_SOURCE[0]%/*}/lib/begin.sh"
traces=${1-10000}
bench_up
bench_store "$traces" given
bench_measure read "${@:2}"
