#!/usr/bin/env bash
# Every link from one document to another leads somewhere, and docs/decisions/README.md lists every decision by its title.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
status=0

wrong() {
    printf '%s\n' "$*" >&2
    status=1
}

# The anchors that a document's headings give.
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed "s/[^a-z0-9 _-]//g; s/ /-/g"; }

mapfile -t documents < <(git ls-files '*.md')
[ "${#documents[@]}" -gt 0 ] || wrong 'git lists no documents here'
for document in "${documents[@]}"; do
    while read -r link; do
        file=${link%%#*}
        file=${file:+$(dirname -- "$document")/$file}
        file=${file:-$document}
        if [ ! -e "$file" ]; then
            wrong "$document: nothing is at $link"
        elif [[ $link == *#* ]] && ! anchors "$file" | grep -qxF -- "${link#*#}"; then
            wrong "$document: $file has no heading for $link"
        fi
    done < <(grep -oE '\]\([^):]+\)' "$document" | sed 's/^](//; s/)$//')
done
for decision in docs/decisions/[0-9]*.md; do
    name=${decision##*/}
    title=$(sed -n '1s/^# [0-9]*: //p' "$decision")
    grep -qxF "| ${name%%-*} | [$title]($name) |" docs/decisions/README.md || wrong "docs/decisions/README.md does not list $name, '$title'"
done
exit "$status"
