#!/usr/bin/env bash
# What is asked wrongly is refused with a sentence, a start that fails leaves nothing running.
. "$(dirname -- "$0")/lib.sh"

expect_failure "there is no command 'upp'" dev upp
expect_failure "up does not know '--port'" dev up --port 1
expect_failure "--data needs a value" dev up --data
expect_failure "down does not know '--listen'" dev down --listen 127.0.0.1:1
expect_failure "no PostgreSQL runs in $work/none" dev psql --data "$work/none"
expect_failure "nothing runs in $work/none" dev demo --data "$work/none"
expect_failure "there is no benchmark 'none'" dev bench none
expect_said '--detach' dev help
dev down --data "$work/none"
[ ! -e "$work/none" ] || fail "a command that does nothing made a folder"

address=$(free_address)
/usr/bin/python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(120)' "${address##*:}" &
squatter=$!
until (exec 3<>"/dev/tcp/127.0.0.1/${address##*:}") 2>/dev/null; do sleep 0.1; done
expect_failure "something else listens at $address" dev up --detach --data "$work/data" --listen "$address"
kill "$squatter"

expect_failure "--listen takes a port, not 0" timeout 60 "$tree/dev" up --detach --data "$work/data" --listen 127.0.0.1:0
expect_failure "did not start" dev up --detach --data "$work/data" --listen 127.0.0.1:notaport
[ ! -e "$work/data/pg/postmaster.pid" ] || fail "PostgreSQL was left running after a start that failed"
