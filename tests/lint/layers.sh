#!/usr/bin/env bash
# Holds the direction of the includes, service -> api -> db -> core and among the folders of db/, and each library to its layer.
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

# Within db/ each folder includes of those that stand before it.
folders=(session row schema write assemble pattern vector chunk question)
for i in "${!folders[@]}"; do
    above=$(IFS='|' && printf '%s' "${folders[*]:i+1}")
    [ -z "$above" ] || refuse "db/($above)/" "db/${folders[i]}"
done
for folder in db/*/; do
    case " ${folders[*]} migrations " in
        *" $(basename "$folder") "*) ;;
        *) status=1; echo "db/: give $folder its place in tests/lint/layers.sh" >&2 ;;
    esac
done
[ "$status" -eq 0 ] || echo 'These includes run against the layers: move the code, or ask the layer below.' >&2
exit "$status"
