# The private PostgreSQL under a data folder:
#   DIR/pg    its cluster, owned by the user that the server runs as
#   DIR/log   postgres.log
#   DIR/run   socket names the folder of its Unix socket, url says how to connect
# It has no TCP port. Its socket is in a folder of mode 0700 under /tmp, whose short name fits the 107 bytes
# of a socket address however deep DIR is; whoever may enter it, the server's user and root, is trusted.
# shellcheck shell=bash

cluster_start_s=600     # a start after a crash replays up to max_wal_size
cluster_orphans_s=60    # what a killed server leaves behind ends by itself
cluster_stop_s=120
cluster_initdb=(--username="$postgres_user" --encoding=UTF8 --auth-local=trust --auth-host=reject --data-checksums)
cluster_settings=''     # more lines for its configuration
cluster_is_locked=''

# cluster_folders DIR: sets the names of all that is under DIR, and makes the folders.
cluster_folders() {
    data_dir=$(realpath -m -- "$1")
    cluster=$data_dir/pg run_dir=$data_dir/run log_dir=$data_dir/log
    if [ -e "$run_dir" ] && ! { [ -r "$run_dir" ] && [ -w "$run_dir" ]; }; then
        die "$data_dir belongs to $(stat -c %U "$run_dir"): run this as that user, or choose another --data"
    fi
}

cluster_folders_make() {
    mkdir -p -- "$data_dir" || die "$data_dir cannot be made: choose another --data"
    (umask 077 && mkdir -p -- "$run_dir" "$log_dir")
}

# Taken again by who has it, it is held. A descriptor 9 that is open may as well be the caller's.
cluster_lock() {
    [ -z "$cluster_is_locked" ] || return 0
    exec 9>"$run_dir/lock"
    flock -w 300 9 || die "another ./dev has held $run_dir/lock for five minutes"
    cluster_is_locked=yes
}

cluster_unlock() {
    exec 9>&-
    cluster_is_locked=''
}

# Prints the pid of the server on this cluster. A number in postmaster.pid proves nothing; a process whose
# working directory is the cluster does, in whatever mount namespace it sees it.
cluster_pid() {
    local pid
    read -r pid 2>/dev/null <"$cluster/postmaster.pid" || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    [ "$(stat -L -c %d:%i "/proc/$pid/cwd" 2>/dev/null)" = "$(stat -c %d:%i "$cluster")" ] || return 1
    printf '%s\n' "$pid"
}

# A pid that is nobody's, or that of a process of which we see that it works elsewhere, would only keep
# PostgreSQL from starting. In any doubt the file stays, for PostgreSQL to judge.
cluster_forget_stale_pid() {
    local pid='' there
    [ -e "$cluster/postmaster.pid" ] || return 0
    read -r pid <"$cluster/postmaster.pid" || true
    if [[ $pid =~ ^[0-9]+$ ]] && process_identity "$pid" >/dev/null; then
        there=$(stat -L -c %d:%i "/proc/$pid/cwd" 2>/dev/null) || return 0
        [ "$there" != "$(stat -c %d:%i "$cluster")" ] || return 0
    fi
    rm -f -- "$cluster/postmaster.pid"
}

cluster_socket_is_ours() {
    [ "$(stat -c '%F %u %a' -- "$1" 2>/dev/null)" = "directory $postgres_uid 700" ]
}

# A name under /tmp that somebody else may have taken since is not used again.
cluster_socket_make() {
    postgres_socket=$(cat "$run_dir/socket" 2>/dev/null) || postgres_socket=''
    if [ -n "$postgres_socket" ] && cluster_socket_is_ours "$postgres_socket"; then
        rm -f -- "$postgres_socket"/.s.PGSQL.*
        return
    fi
    postgres_socket=$(mktemp -d /tmp/tracekin-XXXXXXXX)
    chown "$postgres_uid:$postgres_gid" "$postgres_socket"
    printf '%s\n' "$postgres_socket" >"$run_dir/socket"
}

# cluster_configure CLUSTER: the settings of docker/postgres/tracekin.conf and those of this place.
# shellcheck disable=SC2016 # $PGDATA is the sandbox's
cluster_configure() {
    {
        cat "$tree/docker/postgres/tracekin.conf"
        printf '\n# Written by ./dev at each start.\n'
        printf "listen_addresses = ''\nunix_socket_directories = '%s'\nunix_socket_permissions = 0700\n" "$postgres_socket"
        printf '%s\n' "$cluster_settings"
    } | postgres_run "$1" sh -c 'cat >"$PGDATA/tracekin.conf"'
}

# Sets cluster_locale: text is ordered byte by byte, and letters are letters, in words and in either case, in every script.
# PostgreSQL 17 has that built in, and folds case twice as fast as by the C library.
cluster_locale_pick() {
    cluster_locale=(--locale=C --lc-ctype=C.UTF-8)
    [ "$postgres_major" -lt 17 ] || cluster_locale=(--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8)
}

# shellcheck disable=SC2016
# Made under another name and renamed when whole, so that an interrupted one is never taken for a cluster.
cluster_init() {
    local new=$cluster.new
    cluster_locale_pick
    rm -rf -- "$new" &&
        mkdir -m 0700 -- "$new" && chown "$postgres_uid:$postgres_gid" "$new" &&
        postgres_run "$new" initdb "${cluster_initdb[@]}" "${cluster_locale[@]}" &&
        postgres_run "$new" sh -c 'echo "include '"'tracekin.conf'"'" >>"$PGDATA/postgresql.conf"' &&
        cluster_configure "$new" &&
        echo "CREATE DATABASE $postgres_user" | postgres_run "$new" postgres --single postgres &&
        mv -T -- "$new" "$cluster"
}

# A killed server is not gone at once: its process for a moment, its backends until they notice.
cluster_boot() {
    local seen deadline=$((SECONDS + cluster_orphans_s))
    while :; do
        cluster_forget_stale_pid
        seen=$(stat -c %s "$log_dir/postgres.log" 2>/dev/null) || seen=0
        postgres_run "$cluster" pg_ctl start -w -t "$cluster_start_s" >>"$log_dir/postgres.log" && return
        tail -c "+$((seen + 1))" "$log_dir/postgres.log"
        tail -c "+$((seen + 1))" "$log_dir/postgres.log" |
            grep -qE 'pre-existing shared memory block|lock file "postmaster.pid" already exists' || return 1
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 1
    done
}

# Starts it unless it runs; makes it first where there is none. Needs the folders and the lock.
cluster_start() {
    local pid
    postgres_pick "$cluster"
    postgres_prepare
    printf '%s:x:%s:%s::/data:/bin/sh\n' "$postgres_user" "$postgres_uid" "$postgres_gid" >"$run_dir/passwd"
    chmod 0644 "$run_dir/passwd"
    if pid=$(cluster_pid); then
        postgres_socket=$(cat "$run_dir/socket")
        [ ! -S "$postgres_socket/.s.PGSQL.5432" ] || return 0
        say "PostgreSQL runs without its socket: starting it anew"
        cluster_stop
    fi
    cluster_socket_make
    if [ ! -e "$cluster/PG_VERSION" ]; then
        step "Making a PostgreSQL $postgres_major cluster in $cluster" cluster_init || die "initdb failed"
    fi
    cluster_configure "$cluster"
    (umask 077 && touch "$log_dir/postgres.log")
    step "Starting PostgreSQL $postgres_major" cluster_boot || die "PostgreSQL did not start; its log is $log_dir/postgres.log"
}

# cluster_url DATABASE
cluster_url() {
    printf 'postgresql://%s@/%s?host=%s&port=5432\n' "$postgres_user" "$1" "$postgres_socket"
}

cluster_stop() {
    local pid
    if pid=$(cluster_pid); then
        process_stop "$pid" INT "$cluster_stop_s" || {
            say "PostgreSQL ignored a fast shutdown for $cluster_stop_s s: stopping it at once; it will recover at its next start"
            process_stop "$pid" QUIT 30 || process_stop "$pid" KILL 10 || die "PostgreSQL (process $pid) cannot be stopped"
        }
    fi
    if [ -e "$run_dir/socket" ]; then
        rm -rf -- "$(<"$run_dir/socket")"
        rm -f -- "$run_dir/socket"
    fi
}

# --- psql

# The psql of a root runs on that root's loader and libraries, but sees this machine's files and terminal.
cluster_psql() { cluster_client psql "$@"; }

# cluster_client PROGRAM ARG...: becomes a client program of that PostgreSQL, with this machine's files in sight.
cluster_client() {
    local program=$postgres_bin/$1
    local -a loader=()
    if [ -n "$postgres_base" ]; then
        loader=("$postgres_base"/usr/lib*/ld-linux*.so.*)
        loader=("${loader[0]}" --library-path "$(printf '%s:' "$postgres_base"/usr/lib/*-linux-gnu)")
    fi
    exec "${loader[@]}" "$program" "${@:2}"
}

postgres_psql() {
    local dir=$tree/.local
    while [ $# -gt 0 ]; do
        case $1 in
            --data) dir=${2?"--data needs a folder"} && shift 2 ;;
            --) shift && break ;;
            *) die "psql knows --data DIR and, after --, psql's own arguments; not '$1'" ;;
        esac
    done
    if [ -n "${TRACEKIN_DATABASE_URL-}" ]; then
        command -v psql >/dev/null || packages_need postgresql-client
        exec psql "$TRACEKIN_DATABASE_URL" "$@"
    fi
    cluster_folders "$dir"
    cluster_pid >/dev/null || die "no PostgreSQL runs in $data_dir; './dev up' starts one"
    postgres_pick "$cluster"
    cluster_psql "$(<"$run_dir/url")" "$@"
}
