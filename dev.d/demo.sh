# Sample telemetry, made by demo.py, dated now.
# shellcheck shell=bash

demo_seed=1
demo_trace=df64a0d8a5b4dff0c5475a81bcd2b264 # its first checkout that failed, which README.md asks about

# The first load has the ids that the documents name; a later one is other traffic, not the same traces a second time.
demo_choose_seed() {
    local url=${TRACEKIN_DATABASE_URL-} is_there
    cluster_pid >/dev/null || url=$1
    is_there=$(TRACEKIN_DATABASE_URL=$url postgres_psql --data "$data_dir" -- -XtA \
        -c "SELECT EXISTS (SELECT FROM spans WHERE trace_id = '\\x$demo_trace')" 2>/dev/null) || is_there=f
    if [ "$is_there" = t ]; then date +%s; else printf '%s\n' "$demo_seed"; fi
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
}
