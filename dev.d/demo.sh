# Sample telemetry, made by demo.py, dated now.
# shellcheck shell=bash

demo_seed=1
demo_trace=df64a0d8a5b4dff0c5475a81bcd2b264 # its first checkout that failed, which README.md asks about

# demo_sql URL SQL
demo_sql() {
    local url=${TRACEKIN_DATABASE_URL-}
    cluster_pid >/dev/null || url=$1
    TRACEKIN_DATABASE_URL=$url postgres_psql --data "$data_dir" -- -XtA -c "$2" 2>/dev/null
}

# The first load has the ids that the documents name; a later one is other traffic, not the same traces a second time.
demo_choose_seed() {
    local is_there
    is_there=$(demo_sql "$1" "SELECT EXISTS (SELECT FROM spans WHERE trace_id = '\\x$demo_trace')") || is_there=f
    if [ "$is_there" = t ]; then date +%s; else printf '%s\n' "$demo_seed"; fi
}

# Whoever asks as soon as this has ended is answered.
demo_await() {
    local i
    for ((i = 0; i < 50; i++)); do
        [ "$(demo_sql "$1" 'SELECT count(*) FROM trace_arrivals')" != 0 ] || return 0
        sleep 0.2
    done
    say "The traces are not summarised yet: the service does it while it runs"
}

demo_load() {
    local url=${TRACEKIN_DATABASE_URL-}
    service_options demo "$@"
    cluster_folders "$dir"
    packages_need python3
    if [ -z "$url" ]; then
        [ -r "$run_dir/url" ] || die "nothing runs in $data_dir; './dev up' starts it"
        url=$(<"$run_dir/url")
    fi
    build_need release
    say "Loading an hour of an invented shop that ends now: 36 traces, their logs and metrics"
    /usr/bin/python3 "$tree/dev.d/demo.py" "$(demo_choose_seed "$url")" | TRACEKIN_DATABASE_URL=$url "$(service_binary)" import -
    demo_await "$url"
}
