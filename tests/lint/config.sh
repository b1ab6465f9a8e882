#!/usr/bin/env bash
# config.sh TRACEKIN ROOT: README's settings table is what `tracekin check-config` tells, row by row.
set -euo pipefail

listed=$(env -i TRACEKIN_DATABASE_URL=postgresql:// "$1" check-config | awk '
    /^TRACEKIN_/ { variable = substr($0, 1, index($0, "=") - 1) }
    /^    --/ {
        split(substr($0, 5), part, "; ")
        standard = substr(part[2], length("default ") + 1)
        range = substr(part[3], 1, length(part[3]) - 1)
    }
    /^    [^-]/ { printf "| `%s` | %s | %s | %s |\n", variable, standard, range, substr($0, 5) }')
documented=$(sed -n '/^## Settings/,/^## O/p' "$2/README.md" | grep '^| `')
[ -n "$listed" ]
diff <(printf '%s\n' "$documented") <(printf '%s\n' "$listed") || {
    echo "README.md's settings table (<) is not what check-config tells (>): take over the lines after >" >&2
    exit 1
}
