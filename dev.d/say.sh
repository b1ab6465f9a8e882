# Words to the user, all on stderr.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

say_elapsed() {
    local text=$1 started=$SECONDS
    while sleep 1; do printf '\r%s ... %d s' "$text" $((SECONDS - started)) >&2; done
}

# step TEXT COMMAND...: runs a long command with its output kept aside; what is shown is TEXT with the
# seconds it took, and the end of the output when it failed. COMMAND runs without `set -e`.
step() {
    local text=$1 output ticker='' started=$SECONDS status=0
    shift
    output=$(mktemp "${TMPDIR:-/tmp}/tracekin-step.XXXXXX")
    if [ -t 2 ]; then
        say_elapsed "$text" &
        ticker=$!
    else
        say "$text ..."
    fi
    "$@" >"$output" 2>&1 </dev/null || status=$?
    if [ -n "$ticker" ]; then
        kill "$ticker"
        wait "$ticker" 2>/dev/null || true
        printf '\r\033[K' >&2
    fi
    if [ "$status" -ne 0 ]; then
        say "$text: failed after $((SECONDS - started)) s with exit status $status. The end of its output:"
        tail -n 60 "$output" >&2
    else
        say "$text: $((SECONDS - started)) s"
    fi
    rm -f "$output"
    return "$status"
}
