#!/usr/bin/env bash
# Data folders with a space and a quote in the path, longer than a socket address, under a parent that only its owner
# may enter; and nobody else gets in.
. "$(dirname -- "$0")/lib.sh"

locked="$work/only mine"
mkdir -m 0700 "$locked"
long=$(printf 'long%.0s' {1..40})
data="$locked/it's $long/data"
address=$(free_address)
dev up --detach --data "$data" --listen "$address"
ready "$address" || fail "not ready in $data"
[ "$(sql "$data" 'SELECT 6 * 7')" = 42 ] || fail "psql does not reach it"

# Relative, and again: the same folder.
cd "$locked"
expect_said 'Already up' dev up --detach --data "it's $long/data"
cd /

if [ "$EUID" -eq 0 ]; then
    socket=$(<"$data/run/socket")
    for id in $(id -u nobody) 12345; do
        ! setpriv --reuid "$id" --regid "$id" --clear-groups ls "$socket" >/dev/null 2>&1 || fail "user $id can list $socket"
        ! setpriv --reuid "$id" --regid "$id" --clear-groups test -w "$socket/.s.PGSQL.5432" || fail "user $id reaches the socket"
    done
fi
[ "$(sql "$data" 'SHOW listen_addresses')" = '' ] || fail "PostgreSQL listens on TCP"
[ "$(sql "$data" 'SHOW fsync')$(sql "$data" 'SHOW synchronous_commit')$(sql "$data" 'SHOW full_page_writes')" = ononon ] ||
    fail "the settings are not durable"
[ "$(sql "$data" 'SHOW wal_compression')" = lz4 ] || fail "docker/postgres/tracekin.conf is not read"
