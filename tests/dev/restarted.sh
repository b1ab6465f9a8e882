#!/usr/bin/env bash
# PostgreSQL stopped and started again under the service: what is sent afterwards is stored and assembled as before.
. "$(dirname -- "$0")/lib.sh"

data=$work/data
address=$(free_address)
export TRACEKIN_WRITER_THREADS=1 # so that no session is left that the restart did not end
up() { dev up --detach --data "$data" --listen "$address"; }

# store ID: sends a trace of one span, begun a minute ago, and waits until it is in the list.
store() {
    local status deadline=$((SECONDS + 30)) start
    start=$(date -d '-1 minute' +%s)000000000
    status=$(curl -s -o "$work/reply" -w '%{http_code}' "http://$address/v1/traces" -H 'Content-Type: application/json' -d '
        {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"'"$1"'","spanId":"0000000000000001","name":"GET /",
        "startTimeUnixNano":"'"$start"'","endTimeUnixNano":"'"$start"'"}]}]}]}')
    [ "$status" = 200 ] || fail "storing $1 was answered $status: $(<"$work/reply")"
    until curl -s "http://$address/api/v1/traces" | grep -q "$1"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$1 was not assembled; the log: $(tail -n 5 "$data/log/tracekin.log")"
        sleep 0.2
    done
}

up
store 000000000000000000000000000000a1
service=$(service_of "$data")
postgres=$(postgres_of "$data")
kill -INT "$postgres"
until gone "$postgres"; do sleep 0.1; done
up
[ "$(service_of "$data")" = "$service" ] || fail "the service did not outlive its PostgreSQL: nothing was tested"
store 000000000000000000000000000000a2
