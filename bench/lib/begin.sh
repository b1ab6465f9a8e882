# What benchmarks begin with; a script sources it first. It makes $work, which goes away with the script as does all that was
# started in it, and knows the commands of ./dev.
# shellcheck shell=bash
set -euo pipefail
tree=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/tracekin-bench.XXXXXX")
listen=127.0.0.1:${TRACEKIN_BENCH_PORT:-14319}
url=http://$listen
bench_python=/usr/bin/python3 # the one that Debian's packages are for
# Results tell what they are of.
TRACEKIN_BENCH_COMMAND="./dev bench $(basename -- "$0" .sh)${*:+ $*}"
export TRACEKIN_BENCH_COMMAND

bench_clean() {
    local status=$?
    trap - EXIT
    [ -z "${peer_job-}" ] || peer_stop
    bench_down
    rm -rf -- "$work"
    exit "$status"
}
trap bench_clean EXIT
trap 'exit 130' INT TERM

for part in say process packages root postgres cluster service; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done
# shellcheck source=SCRIPTDIR/../store/load.sh
. "$tree/bench/store/load.sh"
packages_need nghttp2-client python3 python3-matplotlib

# bench_up: the service on a new database; sets database, service, postgres (their processes) and log.
bench_up() {
    "$tree/dev" up --detach --data "$work/data" --listen "$listen" >&2
    cluster_folders "$work/data"
    postgres_pick "$cluster"
    database=$(<"$run_dir/url")
    read -r service _ <"$run_dir/service"
    postgres=$(cluster_pid)
    log=$log_dir/postgres.log
    export -f cluster_client
    export postgres_bin postgres_base
}

# bench_down: ends both, and forgets the database.
bench_down() {
    "$tree/dev" down --data "$work/data" >&2 || true
    rm -rf -- "$work/data"
}

# bench_store TRACES [given]: fills the database, and waits for what the service makes of it.
bench_store() {
    say "Loading $1 traces"
    store_load "$@" >&2
    say "Waiting for the chunks and the index"
    store_settle >&2
}

# bench_protocol: what Python needs to write OTLP as protobuf.
bench_protocol() {
    packages_need protobuf-compiler python3-protobuf
    protoc -I "$tree/tests/otlp" --python_out="$work" "$tree/tests/otlp/otlp.proto"
}

# bench_measure NAME ARG...: runs bench/NAME/measure.py against what bench_up started.
bench_measure() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$tree/bench:$work "$bench_python" "$tree/bench/$1/measure.py" --url "$url" --database "$database" \
        --service "$service" --postgres "$postgres" --log "$log" --work "$work" "${@:2}"
}
