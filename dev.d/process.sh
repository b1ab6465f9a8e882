# Processes known by more than their number, so that a number used again after a crash or a reboot is
# never taken for the process that had it before.
# shellcheck shell=bash

# process_identity PID: prints the pid, its start time and the boot it belongs to; fails when it is gone.
process_identity() {
    local stat boot
    local -a field
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra field <<<"${stat##*) }"
    [ "${field[0]}" != Z ] || return 1
    boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null) || boot=unknown
    printf '%s %s %s\n' "$1" "${field[19]}" "$boot"
}

# process_recorded FILE: prints the pid recorded in FILE if that very process still runs.
process_recorded() {
    local recorded
    recorded=$(cat "$1" 2>/dev/null) && [ -n "$recorded" ] || return 1
    [ "$(process_identity "${recorded%% *}")" = "$recorded" ] || return 1
    printf '%s\n' "${recorded%% *}"
}

# process_listens PID: whether that very process has a TCP socket that listens.
process_listens() {
    cat "/proc/$1"/net/tcp* 2>/dev/null | awk '$4 == "0A" { print "socket:[" $10 "]" }' |
        grep -qxFf - <(readlink "/proc/$1/fd/"* 2>/dev/null)
}

# process_stop PID SIGNAL SECONDS: signals it and waits until it is gone; fails when it outlives SECONDS.
process_stop() {
    local pid=$1 signal=$2 deadline=$((SECONDS + $3)) identity
    identity=$(process_identity "$pid") || return 0
    kill -s "$signal" "$pid" 2>/dev/null || true
    while [ "$(process_identity "$pid")" = "$identity" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}
