#!/usr/bin/env bash
# Holds the direction of the includes, service -> api -> db -> core and among their folders, and each library to its layer.
set -u
cd "$1" || exit 1
status=0

# refuse PATTERN FOLDER...: no source of those folders may include what matches.
refuse() {
    local pattern=$1
    shift
    if grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$pattern" --include='*.[ch]' "$@"; then
        status=1
    fi
}

refuse '(service|api|db)/' core
refuse '(service|api)/' db
refuse 'service/' api
refuse 'microhttpd\.h' api db core
refuse 'gnutls/' api db core
refuse 'jansson\.h' service db core
refuse 'curl/' service db core
refuse 'nettle/' service db core
refuse 'libpq-fe\.h' service api core

# folders LAYER FOLDER...: within the layer each folder may include of those that stand before it, and all are named.
folders() {
    local layer=$1 before='' folder
    shift
    for folder in "$@"; do
        # shellcheck disable=SC2086
        [ -z "$before" ] || refuse "$layer/$folder/" $before
        before+=" $layer/$folder"
    done
    for folder in "$layer"/*/; do
        case " $* migrations " in
            *" $(basename "$folder") "*) ;;
            *) status=1 && echo "$folder has no place among the folders of $layer/: give it one in tests/lint/layers.sh" >&2 ;;
        esac
    done
}

folders db session row schema write assemble pattern vector chunk question
folders api json embed request otlp endpoint
folders service setting process job database http serve command
[ "$status" -eq 0 ] || echo 'These includes run against the layers: move the code, or ask the layer below.' >&2
exit "$status"
