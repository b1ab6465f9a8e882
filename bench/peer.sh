#!/usr/bin/env bash
# bench/peer.sh [TRACES [--option...]]: the searches and the batch insert against the same behind FastAPI, SQLAlchemy, asyncpg and
# uvicorn (bench/peer/README.md), in a store of so many traces (10000). Prints a table in Markdown; bench/results/peer.json has the
# figures.
# shellcheck source=SCRIPTDIR/lib/begin.sh
. "${BASH_SOURCE[0]%/*}/lib/begin.sh"
# shellcheck source=SCRIPTDIR/peer/peer.sh
. "$tree/bench/peer/peer.sh"
traces=${1-10000}
port=${TRACEKIN_PEER_PORT:-14320}
bench_up
bench_store "$traces" given
bench_protocol
peer_start "$port" "$database" "$work/peer.log"
bench_measure peer --peer "http://127.0.0.1:$port" "${@:2}"
