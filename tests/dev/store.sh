#!/usr/bin/env bash
# A store that benchmarks load is one that the service could have made: the service, given its spans and logs, derives the same of them;
# each endpoint answers about it; and the peer answers the same.
. "$(dirname -- "$0")/lib.sh"
for part in say process packages root postgres cluster; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done
# shellcheck source=SCRIPTDIR/../../bench/store/load.sh
. "$tree/bench/store/load.sh"
# shellcheck source=SCRIPTDIR/../../bench/peer/peer.sh
. "$tree/bench/peer/peer.sh"
trap 'status=$?; peer_stop; clean "$status"' EXIT

derived="traces errors patterns operations"
columns_of() {
    store_sql -c "SELECT string_agg(CASE WHEN attname = 'embedding' THEN 'embedding::text' ELSE attname END, ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = '$1'::regclass AND attnum > 0 AND attname NOT IN ('embedding_generated_at', 'stored_at')"
}

# same TABLE: whether it is as it was loaded.
same() {
    local columns
    columns=$(columns_of "$1")
    [ "$(store_sql -c "SELECT count(*) FROM ((SELECT $columns FROM $1 EXCEPT ALL SELECT $columns FROM loaded_$1)
        UNION ALL (SELECT $columns FROM loaded_$1 EXCEPT ALL SELECT $columns FROM $1)) AS d")" = 0 ] ||
        fail "the service derives other $1 of the spans and logs"
}

address=$(free_address)
dev up --detach --data "$work/data" --listen "$address"
cluster_folders "$work/data"
# shellcheck disable=SC2154 # cluster_folders sets it
postgres_pick "$cluster"
port=$(free_address)
port=${port##*:}

# answers: the service about what is loaded, and the peer the same, by the index that there is when it starts.
answers() {
    expect_said 'every endpoint answers' /usr/bin/python3 "$tree/tests/dev/store.py" "http://$address"
    peer_start "$port" "$(<"$run_dir/url")" "$work/peer.log"
    expect_said 'requests are answered alike' /usr/bin/python3 "$tree/bench/peer/compare.py" "http://$address" "http://127.0.0.1:$port"
    peer_stop
}

store_load 2000 given >"$work/load.md"
grep -Eq '^\| traces \| 2000 \| ' "$work/load.md" || fail "store_load printed: $(cat "$work/load.md")"
store_settle
answers

# pgbench searches as many lists as the service does.
export -f cluster_client
export postgres_bin postgres_base
echo "SELECT 1 / (current_setting('ivfflat.probes')::int = 3)::int;" >"$work/probes.sql"
store_sql -c 'UPDATE vector_indexes SET effort = 3'
PYTHONPATH=$tree/bench /usr/bin/python3 -c 'import sys; from lib import postgres; postgres.pgbench(sys.argv[1], f"-t 1 -f {sys.argv[2]}")' \
    "$(<"$run_dir/url")" "$work/probes.sql" >"$work/probes.out" 2>&1 || fail "pgbench: $(cat "$work/probes.out")"

store_clear
store_load 2000 >/dev/null
answers

store_clear
store_load 2000 >/dev/null
for table in $derived; do store_sql -c "CREATE TABLE loaded_$table AS TABLE $table"; done
store_sql -c "TRUNCATE traces, errors, patterns, operations" -c "INSERT INTO trace_arrivals (trace_id, min_ns, max_ns)
    SELECT trace_id, min(start_ns), max(start_ns) FROM spans GROUP BY trace_id"
while [ "$(store_sql -c 'SELECT count(*) FROM trace_arrivals')" != 0 ]; do sleep 0.2; done
for table in $derived; do same "$table"; done
