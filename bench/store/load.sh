# Loads a store of so many traces into the database of a running service (what is in it: main.c, world.h, trace.h). To be sourced after
# dev.d/say.sh, process.sh, packages.sh, root.sh, postgres.sh and cluster.sh, with `tree` set, `cluster_folders DIR` and
# `postgres_pick "$cluster"` done.
#
# What is kept of the telemetry itself, spans, logs and metric points, and what the assembler derives of it, traces, errors, patterns
# and operations, come by binary COPY, made by the functions of the service's own writer and assembler. The chunks of logs and errors
# and the index over vectors are left to the service: they are built in the background, and store_settle waits for them.
# shellcheck shell=bash

store_program=$tree/build/release/bench/store
store_tables=(patterns operations traces spans logs errors metric_points)

store_build() {
    local -a libpq
    packages_need gcc libc6-dev pkg-config libpq-dev libxxhash-dev
    mkdir -p "${store_program%/*}"
    read -ra libpq <<<"$(pkg-config --cflags --libs libpq)"
    "${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Wconversion -I"$tree" -o "$store_program.$$" "$tree"/bench/store/*.c \
        "$tree/build/release/libtracekin_db.a" "$tree/build/release/libtracekin_core.a" "${libpq[@]}" -pthread -lm
    mv -f -- "$store_program.$$" "$store_program" # another run may be using it
}

store_psql() { (PGOPTIONS='-c client_min_messages=warning' cluster_client psql "$(<"$run_dir/url")" -XAt -v ON_ERROR_STOP=1 "$@"); }
store_sql() { store_psql -q "$@"; }

# store_from TABLE ROWS_OF ARG...: the command of psql that copies what `store ROWS_OF ARG...` makes into TABLE.
store_from() {
    printf "\\\\copy %s (%s) FROM PROGRAM '\"%s\" %s' WITH (FORMAT binary)" \
        "$1" "$("$store_program" --columns "$2")" "$store_program" "${*:2}"
}

# store_copy TABLE ROWS_OF ARG...: prints "COPY" and how many rows.
store_copy() { store_psql -c "$(store_from "$@")"; }

# What the rows of other tables point to. The service remembers which of it is stored, so it is never taken away.
store_refs() {
    local table
    for table in resources scopes metrics; do
        store_sql -c "CREATE TEMP TABLE made (LIKE $table)" -c "$(store_from made "$table" 1)" \
            -c "INSERT INTO $table SELECT * FROM made ON CONFLICT DO NOTHING"
    done
}

# Empties all tables of telemetry, so that another store can be loaded.
store_clear() {
    store_sql -c "TRUNCATE patterns, operations, traces, spans, logs, errors, metric_points, trace_arrivals, log_arrivals, error_arrivals,
        log_chunks, error_chunks"
}

# store_load N [given]: with given, traces have vectors as a client would give them, so that they are searched by their index. Into
# tables without the rows of another store. Prints a table in Markdown of how fast that was.
store_load() {
    local n=$1 kind=${2-} now table rows_of rows began
    store_build
    TRACEKIN_DATABASE_URL=$(<"$run_dir/url") "$store_program" days
    store_refs
    now=$(date +%s%N)
    echo "| Table | Rows | Seconds | Rows/s |"
    echo "|---|--:|--:|--:|"
    for table in "${store_tables[@]}"; do
        rows_of=$table
        [ "$table.$kind" != traces.given ] || rows_of=traces_given
        began=$(date +%s.%N)
        rows=$(store_copy "$table" "$rows_of" "$n" 1 "$now")
        rows=${rows#COPY }
        awk -v table="$table" -v rows="$rows" -v from="$began" -v to="$(date +%s.%N)" \
            'BEGIN { printf "| %s | %d | %.1f | %.0f |\n", table, rows, to - from, rows / (to - from) }'
    done
    store_sql -c "VACUUM (ANALYZE) spans, logs, metric_points, traces, errors, patterns, operations"
}

# Whether the keeper has made an index of what is loaded and measured it, or has no reason to.
store_is_indexed() {
    [ "$(store_sql -c "SELECT EXISTS (SELECT FROM vector_indexes WHERE recall IS NOT NULL
        AND n_rows_built * 2 > (SELECT count(*) FROM traces))")" = t ]
}

# Waits until what has been loaded is in chunks, and the index over the vectors is built and measured: the keeper looks every five
# seconds, so one that did nothing for eleven has done. Fewer traces than a thousand get no index.
store_settle() {
    local generation=-1 last=-2
    while [ "$(store_sql -c "SELECT count(*) FROM (TABLE log_arrivals UNION ALL TABLE error_arrivals) AS a WHERE n_rows >= 1024")" != 0 ]; do
        sleep 0.5
    done
    [ "$(store_sql -c "SELECT count(*) < 1000 FROM traces")" = f ] || return 0
    while [ "$generation" != "$last" ] || ! store_is_indexed; do
        last=$generation
        sleep 11
        generation=$(store_sql -c "SELECT coalesce(max(generation), 0) FROM vector_indexes")
    done
}
