# Sample telemetry, made by demo.py, dated now.
# shellcheck shell=bash

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
    /usr/bin/python3 "$tree/dev.d/demo.py" | TRACEKIN_DATABASE_URL=$url "$(service_binary)" import -
}
