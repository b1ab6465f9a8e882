#!/usr/bin/env bash
# After kill -9 of everything, of PostgreSQL alone and of the service alone, `up` puts it right and loses nothing
# committed; pids that have since become somebody else's are left alone.
. "$(dirname -- "$0")/lib.sh"

data=$work/data
address=$(free_address)
up() { dev up --detach --data "$data" --listen "$address"; }

up
sql "$data" 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n'
postgres=$(postgres_of "$data")
read -ra backends < <(cat "/proc/$postgres/task/$postgres/children" && echo)
kill -9 "$(service_of "$data")" "$postgres" "${backends[@]}"
[ -e "$data/pg/postmaster.pid" ] || fail "the kill left no stale postmaster.pid: nothing was tested"
up
[ "$(sql "$data" 'SELECT count(*) FROM kept')" = 1000 ] || fail "committed rows were lost with everything killed"

# A backend that computes does not notice the end of its postmaster, and holds the shared memory meanwhile.
sql "$data" "DO 'BEGIN WHILE clock_timestamp() < now() + interval ''6 s'' LOOP END LOOP; END'" >/dev/null 2>&1 &
busy="SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO %'"
until backend=$(sql "$data" "$busy") && [ -n "$backend" ]; do sleep 0.1; done
kill -9 "$(postgres_of "$data")" "$(service_of "$data")"
! gone "$backend" || fail "the busy backend did not outlive its postmaster: nothing was tested"
up
[ "$(sql "$data" 'SELECT count(*) FROM kept')" = 1000 ] || fail "committed rows were lost with PostgreSQL killed"

postgres=$(postgres_of "$data")
kill -9 "$(service_of "$data")"
up
[ "$(postgres_of "$data")" = "$postgres" ] || fail "a killed service made up restart PostgreSQL"

service=$(service_of "$data")
kill -9 "$postgres"
up
ready "$address" || fail "up with only PostgreSQL killed returned before the service was ready"
[ "$(service_of "$data")" = "$service" ] || fail "a killed PostgreSQL made up restart the service"
[ "$(sql "$data" 'SELECT count(*) FROM kept')" = 1000 ] || fail "PostgreSQL was not started again under the service"

# Another process of the server's own user now has the pid that both files name.
owner=$(stat -c %u "$data/pg")
kill -9 "$(service_of "$data")" "$(postgres_of "$data")"
if [ "$EUID" -eq 0 ]; then setpriv --reuid "$owner" --clear-groups sleep 300 & else sleep 300 & fi
stranger=$!
sed -i "1s/.*/$stranger/" "$data/pg/postmaster.pid"
sed -i "s/^[0-9]*/$stranger/" "$data/run/service"
up
kill -0 "$stranger" || fail "up killed a process that only had an old pid"
kill -9 "$(service_of "$data")" "$(postgres_of "$data")"
sed -i "s/^[0-9]*/$stranger/" "$data/run/service"
sed -i "1s/.*/$stranger/" "$data/pg/postmaster.pid"
dev down --data "$data"
kill -0 "$stranger" || fail "down killed a process that only had an old pid"
kill "$stranger"
