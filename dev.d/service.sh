# The service on a data folder: DIR/run/service is the process (see process.sh), listen its address; its log is
# DIR/log/tracekin.log when detached, the terminal when not.
# shellcheck shell=bash

service_ready_s=120 # migrations of a big database included
service_drain_s=60

service_binary() { printf '%s\n' "$tree/build/release/tracekin"; }

service_pid() { process_recorded "$run_dir/service"; }

# service_options COMMAND ARG...: sets dir, listen and detach from the arguments that COMMAND knows.
service_options() {
    local of=$1
    shift
    dir=$tree/.local listen='' detach=''
    while [ $# -gt 0 ]; do
        case $of$1 in
            *--data) dir=${2-} ;;
            up--listen) listen=${2-} ;;
            up--detach) detach=yes && shift && continue ;;
            *) die "$of does not know '$1'; './dev help' tells what it does" ;;
        esac
        [ -n "${2-}" ] || die "$1 needs a value"
        shift 2
    done
}

# Where a client of this machine reaches an address to listen on.
service_reach() {
    local host=${1%:*} port=${1##*:}
    case $host in
        0.0.0.0 | '' | '*') host=127.0.0.1 ;;
        '[::]') host='[::1]' ;;
    esac
    printf '%s:%s\n' "$host" "$port"
}

# What the service speaks there.
service_base() { printf '%s://%s\n' "$([ -n "${TRACEKIN_TLS_CERT_FILE-}" ] && echo https || echo http)" "$(service_reach "$1")"; }

# Whether something listens there: told before anything is started.
service_port_taken() {
    local reach host
    reach=$(service_reach "$1")
    host=${reach%:*}
    host=${host#[} host=${host%]}
    (exec 3<>"/dev/tcp/$host/${reach##*:}") 2>/dev/null
}

# Its own session, so that Ctrl-C reaches only ./dev, which stops things in order.
service_spawn() {
    if [ -n "$detach" ]; then
        (umask 077 && touch "$log_dir/tracekin.log")
        exec 7>>"$log_dir/tracekin.log"
    else
        exec 7>&2
    fi
    TRACEKIN_DATABASE_URL=$database_url TRACEKIN_LISTEN=$listen \
        setsid "$(service_binary)" serve </dev/null >&7 2>&7 7>&- 9>&- &
    service_job=$!
    exec 7>&-
    process_identity "$service_job" >"$run_dir/service" || true
}

# Waits until the service just spawned can serve; fails when it ends before that or takes too long. Only one process can listen
# at an address, so an answer from there is ours once ours listens; before, it would be that of another who was faster.
service_wait_ready() {
    local deadline=$((SECONDS + service_ready_s))
    while kill -0 "$service_job" 2>/dev/null; do
        process_listens "$service_job" &&
            TRACEKIN_LISTEN=$(service_reach "$listen") "$(service_binary)" healthcheck >/dev/null 2>&1 && return
        [ "$SECONDS" -lt "$deadline" ] || { say "Not ready within $service_ready_s s." && return 1; }
        sleep 0.1
    done
    return 1
}

service_show_log() {
    say "The service did not start."
    [ -z "$detach" ] || {
        say "The end of $log_dir/tracekin.log:"
        tail -n 20 "$log_dir/tracekin.log" >&2
    }
}

service_stop_all() {
    local pid
    if pid=$(service_pid); then
        process_stop "$pid" TERM "$service_drain_s" || {
            say "The service did not drain within $service_drain_s s: killing it"
            process_stop "$pid" KILL 10 || die "the service (process $pid) cannot be killed"
        }
    fi
    rm -f -- "$run_dir/service" "$run_dir/listen" "$run_dir/url"
    cluster_stop
}

service_say_up() {
    say "tracekin is up at $(service_base "$1") (data in $data_dir)"
}

# On the way out of an `up` that did not come to its end, or that ran in the foreground. Where its service ended by itself,
# another `up` may have started one on the folder since, which is not ours to stop.
service_leave() {
    local status=$? is
    trap - EXIT
    trap '' INT TERM HUP
    say "Stopping"
    cluster_lock
    if is=$(service_pid) && [ "$is" != "${service_job-}" ]; then
        say "Another ./dev up has started tracekin here: it stays"
    else
        service_stop_all
    fi
    exit "$status"
}

# A second `up` changes nothing that runs; a PostgreSQL that has ended by itself is started again, where the service waits for it.
service_up_already() {
    local is
    service_pid >/dev/null || return 1
    is=$(<"$run_dir/listen")
    [ "${listen:-$is}" = "$is" ] ||
        die "tracekin already runs on this data folder, at $is: './dev down' first, to have it at $listen"
    [ ! -e "$run_dir/socket" ] || cluster_start
    listen=$is service_job=$(service_pid)
    service_wait_ready || die "it runs and is not ready: $(service_base "$is")/readyz and $log_dir tell why"
    say "Already up:"
    service_say_up "$is"
}

service_start() {
    [ "${listen##*:}" != 0 ] || die "--listen takes a port, not 0: which one the service got, only its log would tell"
    ! service_port_taken "$listen" || die "something else listens at $listen; choose another address with --listen"
    if [ -n "${TRACEKIN_DATABASE_URL-}" ]; then
        database_url=$TRACEKIN_DATABASE_URL
    else
        cluster_start
        database_url=$(cluster_url "$postgres_user")
    fi
    (umask 077 && printf '%s\n' "$database_url" >"$run_dir/url" && printf '%s\n' "$listen" >"$run_dir/listen")
    service_spawn
    service_wait_ready || { service_show_log && exit 1; }
    service_say_up "$listen"
}

service_up() {
    local status=0
    service_options up "$@"
    listen=${listen:-${TRACEKIN_LISTEN-}}
    cluster_folders "$dir"
    packages_need "${packages_build[@]}"
    build_need release
    cluster_folders_make
    cluster_lock
    if service_up_already; then return; fi
    listen=${listen:-127.0.0.1:4318}
    trap service_leave EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    service_start
    if [ -n "$detach" ]; then
        trap - EXIT
        say "'./dev down' with the same --data stops it"
        return
    fi
    cluster_unlock
    trap 'exit 0' INT TERM HUP
    say "Ctrl-C stops it"
    wait "$service_job" || status=$?
    [ "$status" -eq 0 ] || say "The service ended with exit status $status"
    exit "$status"
}

service_down() {
    service_options down "$@"
    cluster_folders "$dir"
    [ -d "$run_dir" ] || { say "Nothing runs in $data_dir" && return; }
    cluster_lock
    if ! service_pid >/dev/null && ! cluster_pid >/dev/null; then
        service_stop_all
        say "Nothing runs in $data_dir"
        return
    fi
    service_stop_all
    say "Stopped"
}
