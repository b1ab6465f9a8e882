# What the scenarios of ./dev share. Each runs the real script on data folders under $work, and leaves nothing running.
# shellcheck shell=bash
set -euo pipefail

tree=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
work=$(mktemp -d "${TRACEKIN_TEST_DIR:-/tmp}/scenario.XXXXXX")
unset TRACEKIN_DATABASE_URL TRACEKIN_LISTEN

dev() { "$tree/dev" "$@"; }

clean() {
    local status=${1-$?} run
    trap - EXIT
    while read -r run; do
        dev down --data "${run%/run}" >/dev/null 2>&1 || true
    done < <(find "$work" -type d -name run 2>/dev/null)
    rm -rf -- "$work"
    exit "$status"
}
trap clean EXIT
trap 'exit 130' INT TERM

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

skip() {
    printf 'skipped: %s\n' "$*" >&2
    exit 77
}

# An address nothing listens at: the kernel picks the port.
free_address() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print("127.0.0.1:%d" % s.getsockname()[1])'
}

ready() { TRACEKIN_LISTEN=$1 "$tree/build/release/tracekin" healthcheck >/dev/null 2>&1; }

sql() {
    local data=$1
    shift
    dev psql --data "$data" -- -XtA -v ON_ERROR_STOP=1 -c "$*"
}

service_of() { cut -d' ' -f1 "$1/run/service"; }
postgres_of() { head -n 1 "$1/pg/postmaster.pid"; }

# Gone, or dead and not yet reaped.
gone() { ! [ -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null || ! [ -e "/proc/$1" ]; }

# expect_said TEXT COMMAND...: it must succeed and say TEXT.
expect_said() {
    local text=$1 said
    shift
    said=$("$@" 2>&1) || fail "'$*' exits $?; it said: $said"
    grep -qF -- "$text" <<<"$said" || fail "'$*' did not say '$text' but: $said"
}

# expect_failure TEXT COMMAND...: it must exit non-zero and say TEXT.
expect_failure() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then fail "'$*' succeeded; it said: $said"; fi
    grep -qF -- "$text" <<<"$said" || fail "'$*' did not say '$text' but: $said"
}
