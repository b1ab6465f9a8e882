#!/usr/bin/env bash
# bench/similar.sh [TRACES...]: how fast and how right similar traces are found in stores of so many traces with clustered embeddings
# (10000 100000 when none are named; 1000000 takes ten minutes), against the same SQL in pgbench. Prints tables in Markdown.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
sizes=("$@")
[ $# -gt 0 ] || sizes=(10000 100000)
work=$(mktemp -d "${TMPDIR:-/tmp}/tracekin-similar.XXXXXX")
listen=127.0.0.1:${TRACEKIN_SIMILAR_PORT:-14319}
store=$tree/build/release/bench/store

clean() {
    local status=$?
    trap - EXIT
    "$tree/dev" down --data "$work/data" >&2 || true
    rm -rf -- "$work"
    exit "$status"
}
trap clean EXIT
trap 'exit 130' INT TERM

for part in say process packages root postgres cluster; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done

sql() { "$tree/dev" psql --data "$work/data" -- -XqAt -v ON_ERROR_STOP=1 "$@"; }
pgbench() { (cluster_client pgbench "$@"); }

# load TABLE N FIRST: rows FIRST.. of the generator.
load() { sql -c "\\copy $1 ($("$store" --columns)) FROM PROGRAM '\"$store\" $2 $3' WITH (FORMAT binary)"; }

# The keeper looks every five seconds; what it records is of the present rows once it has measured after the load.
settle() {
    local generation=-1 last=-2
    sql -c "ANALYZE traces"
    while [ "$generation" != "$last" ] || [ "$(sql -c "SELECT count(*) FROM vector_indexes WHERE recall IS NOT NULL
            AND n_rows_built * 2 > (SELECT count(*) FROM traces)")" = 0 ]; do
        last=$generation
        sleep 11
        generation=$(sql -c "SELECT coalesce(max(generation), 0) FROM vector_indexes")
    done
}

mkdir -p "${store%/*}"
read -ra libpq <<<"$(pkg-config --libs libpq)"
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Wconversion -I"$tree" -o "$store" "$tree/bench/store/main.c" \
    "$tree/build/release/libtracekin_db.a" "$tree/build/release/libtracekin_core.a" "${libpq[@]}" -pthread -lm
"$tree/dev" up --detach --data "$work/data" --listen "$listen" >&2
cluster_folders "$work/data"
postgres_pick "$cluster"
url=$(<"$run_dir/url")

echo "$(nproc) processors, PostgreSQL $(sql -c 'SHOW server_version'), pgvector $(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'vector'"):"
echo
echo "| Traces | Lists | Probes | Recall@10 | By index, p50 / p95 ms | Same SQL in pgbench | Exact, p50 ms | Same SQL in pgbench | Ratio |"
echo "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
rows=0
for n in "${sizes[@]}"; do
    load traces $((n - rows)) "$rows" >&2
    rows=$n
    settle
    export -f cluster_client pgbench
    export postgres_bin postgres_base
    python3 "$tree/bench/similar/measure.py" --url "http://$listen" --database "$url" --work "$work" --rows "$n"
done
