# What the analyzers' tests share.
# shellcheck shell=bash

# alarm NAME COMMAND...: the command, given defects on purpose, must fail; an analyzer that sees nothing proves nothing.
alarm() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        printf 'The alarm is broken: %s sees no defect in tests/static/defect.c\n' "$name" >&2
        exit 1
    fi
}
