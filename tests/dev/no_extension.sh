#!/usr/bin/env bash
# A PostgreSQL without pgvector: the start fails and names the package.
. "$(dirname -- "$0")/lib.sh"

# dev.d's own functions start it, on a system whose extensions are hidden.
for part in say process packages root postgres cluster; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done
cluster_folders "$work/bare"
cluster_folders_make
cluster_lock
cluster_start
[ -z "$postgres_direct" ] || skip "PostgreSQL runs without a sandbox here, so nothing can be hidden from it"
cluster_stop
# shellcheck disable=SC2034
postgres_hide=(--tmpfs "/usr/share/postgresql/$postgres_major/extension")
cluster_start
cluster_unlock

url=$(cluster_url tracekin)
expect_failure pgvector env TRACEKIN_DATABASE_URL="$url" \
    "$tree/dev" up --detach --data "$work/data" --listen "$(free_address)"
said=$(TRACEKIN_DATABASE_URL=$url "$tree/build/release/tracekin" migrate 2>&1) && fail "migrate succeeded: $said"
grep -q 'postgresql-[0-9N]*-pgvector' <<<"$said" || fail "migrate does not name the package: $said"
