#!/usr/bin/env bash
# TRACEKIN_DATABASE_URL names another PostgreSQL: none is started, and that one is left as it is.
. "$(dirname -- "$0")/lib.sh"

# The other PostgreSQL is a cluster of ours on another folder.
other=$work/other data=$work/data
dev up --detach --data "$other" --listen "$(free_address)"
sql "$other" 'CREATE DATABASE shared'
url=$(sed 's,@/tracekin?,@/shared?,' "$other/run/url")

address=$(free_address)
TRACEKIN_DATABASE_URL=$url dev up --detach --data "$data" --listen "$address"
ready "$address" || fail "not ready on the other PostgreSQL"
[ ! -e "$data/pg" ] || fail "a private PostgreSQL was made all the same"
[ "$(TRACEKIN_DATABASE_URL=$url dev psql --data "$data" -- -XtAc "SELECT current_database()")" = shared ] ||
    fail "psql went to another database"
[ "$(stat -c %a "$data/run/url")" = 600 ] || fail "the URL, which may hold a password, can be read by others"
dev down --data "$data"
[ "$(sql "$other" 'SELECT 1')" = 1 ] || fail "down stopped a PostgreSQL that is not its own"

expect_failure "did not start" env TRACEKIN_DATABASE_URL='postgresql://nobody@127.0.0.1:1/none' \
    "$tree/dev" up --detach --data "$work/nowhere" --listen "$(free_address)"
