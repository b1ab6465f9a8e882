#!/usr/bin/env bash
# bench/similar.sh [TRACES...]: how fast and how right similar traces are found in stores of so many traces with clustered embeddings
# (10000 100000 when none are named; 1000000 takes ten minutes), against the same SQL in pgbench; and what would be found after
# tenfold growth by other shapes if nobody built the index anew (of stores up to 100000). Prints tables in Markdown.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
sizes=("$@")
[ $# -gt 0 ] || sizes=(10000 100000)
work=$(mktemp -d "${TMPDIR:-/tmp}/tracekin-similar.XXXXXX")
listen=127.0.0.1:${TRACEKIN_SIMILAR_PORT:-14319}

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
# shellcheck source=SCRIPTDIR/store/load.sh
. "$tree/bench/store/load.sh"

sql() { "$tree/dev" psql --data "$work/data" -- -XqAt -v ON_ERROR_STOP=1 "$@"; }
pgbench() { (cluster_client pgbench "$@"); }

# load TABLE N FIRST [SEED]: rows FIRST.. of the generator.
load() { store_copy "$1" vectors "$2" "$3" "${4-1}" >/dev/null; }

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

recall='WITH asked AS MATERIALIZED (SELECT embedding AS e FROM growth ORDER BY random() LIMIT 50)
    SELECT round(avg(((SELECT count(*) FROM (SELECT embedding <=> e AS d FROM growth ORDER BY embedding <=> e LIMIT 11) AS by_index
    WHERE d <= farthest + 1e-6) - 1) / 10.0), 3) FROM asked CROSS JOIN LATERAL (SELECT max(d) AS farthest FROM
    (SELECT (embedding <=> e) + 0 AS d FROM growth ORDER BY (embedding <=> e) + 0 LIMIT 11) AS exact) AS truth'

# growth N: the index as the keeper made it for N rows, on a table of its own that nobody keeps, before and after tenfold growth by
# traces around other centres.
growth() {
    local lists probes before after
    IFS='|' read -r lists probes < <(sql -c "SELECT lists, effort FROM vector_indexes")
    sql -c "DROP TABLE IF EXISTS growth" -c "CREATE TABLE growth (LIKE traces INCLUDING STORAGE)"
    load growth "$1" 0
    sql -c "CREATE INDEX growth_ivfflat ON growth USING ivfflat (embedding vector_cosine_ops) WITH (lists = $lists)" -c "ANALYZE growth"
    before=$(sql -c "SET ivfflat.probes = $probes" -c "SET enable_seqscan = off" -c "$recall")
    load growth $((9 * $1)) "$1" 2
    sql -c "ANALYZE growth"
    after=$(sql -c "SET ivfflat.probes = $probes" -c "SET enable_seqscan = off" -c "$recall")
    sql -c "DROP TABLE growth"
    grown+=("| $1 | $lists | $probes | $before | $after |")
}

store_build
"$tree/dev" up --detach --data "$work/data" --listen "$listen" >&2
cluster_folders "$work/data"
postgres_pick "$cluster"
url=$(<"$run_dir/url")

echo "$(nproc) processors, PostgreSQL $(sql -c 'SHOW server_version'), pgvector $(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'vector'"):"
echo
echo "| Traces | Lists | Probes, or ef_search | Recall@10 | By index, p50 / p95 ms | Same SQL in pgbench | Exact, p50 ms | Same SQL in pgbench | Ratio |"
echo "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
rows=0 grown=()
for n in "${sizes[@]}"; do
    load traces $((n - rows)) "$rows" >&2
    rows=$n
    settle
    export -f cluster_client pgbench
    export postgres_bin postgres_base
    python3 "$tree/bench/similar/measure.py" --url "http://$listen" --database "$url" --work "$work" --rows "$n"
    [ "$n" -gt 100000 ] || [ "${TRACEKIN_VECTOR_INDEX-ivfflat}" != ivfflat ] || growth "$n" >&2
done
echo
echo "| Traces at the build | Lists | Probes | Recall@10 then | After tenfold growth by other shapes, not built anew |"
echo "|--:|--:|--:|--:|--:|"
printf '%s\n' "${grown[@]}"
