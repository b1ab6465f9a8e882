# What the tests of tests/fault share: a PostgreSQL of their own that is as durable as a user's (tests elsewhere turn fsync off),
# which Python may kill, stop and fill, and what Python needs to do so. Nothing is left running or mounted, however it ends.
# shellcheck shell=bash
set -euo pipefail
tree=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

# In a mount namespace of its own, small file systems can be made, to be filled, and go away with it. Who may mount one must have them.
if [ -z "${TRACEKIN_TEST_MOUNTS-}" ] && [ "$EUID" -eq 0 ] &&
    unshare --mount --propagation private -- mount -t tmpfs tracekin-fault /tmp 2>/dev/null; then
    TRACEKIN_TEST_MOUNTS=yes exec unshare --mount --propagation private -- bash "$0" "$@"
fi

for part in say process packages root postgres cluster build service; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done

work=$(mktemp -d "${TRACEKIN_TEST_DIR:-/tmp}/fault.XXXXXX")
unset TRACEKIN_DATABASE_URL TRACEKIN_LISTEN

fault_clean() {
    local status=$?
    trap - EXIT
    [ -z "${fault_job-}" ] || kill "$fault_job" 2>/dev/null || true
    cluster_stop >/dev/null 2>&1 || true
    if [ -d "$work/data/pg/small" ]; then
        umount "$work/data/pg/small" "$work/data/pg/wal" 2>/dev/null || true
    fi
    rm -rf -- "$work"
    exit "$status"
}

# A room of 512 MB for the tables, and one for the WAL, which is moved there to be filled; small says so to Python.
fault_mount() {
    local room
    small=''
    [ -n "${TRACEKIN_TEST_MOUNTS-}" ] || return 0
    for room in small wal; do
        mkdir -p "$cluster/$room"
        mount -t tmpfs -o "size=512m,mode=0700,uid=$postgres_uid,gid=$postgres_gid" tracekin-fault "$cluster/$room" ||
            die "no file system can be mounted on $cluster/$room, though one can on /tmp"
    done
    postgres_run "$cluster" mkdir /data/small/tables
    small=/data/small/tables
}

# fault_wal_move FROM TO: of a server that does not run. One of the two is pg_wal, which is a link to the other while the WAL is there.
fault_wal_move() {
    # shellcheck disable=SC2016 # the sandbox's
    postgres_run "$cluster" sh -c 'cd "$PGDATA" && { [ ! -L pg_wal ] || rm pg_wal; } && mkdir -p "$2" && cp -a "$1"/. "$2"/ &&
        rm -rf -- "$1"/* && { [ "$2" = pg_wal ] || { rm -r pg_wal && ln -s "$2" pg_wal; }; }' sh "$1" "$2"
}

fault_cluster() {
    # shellcheck disable=SC2034
    cluster_settings='fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 64MB
min_wal_size = 32MB
max_wal_size = 64MB
max_connections = 200
deadlock_timeout = 300ms
log_error_verbosity = verbose
log_min_duration_statement = -1'
    cluster_folders "$work/data"
    trap fault_clean EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    cluster_folders_make
    cluster_start
    cluster_stop
    cluster_socket_make
    cluster_configure "$cluster"
    fault_mount
    cluster_boot || die "PostgreSQL did not start; its log is $log_dir/postgres.log"
    printf '%s\n' "$small" >"$run_dir/small"
}

# fault_run SCRIPT ARG...: Python dies with this shell, and what it started dies with it.
fault_run() {
    local script=$1
    shift
    export -f fault_wal_move cluster_boot cluster_forget_stale_pid cluster_client process_identity postgres_run root_argv as_root say
    export cluster cluster_orphans_s cluster_start_s log_dir run_dir tree root_as_root
    export postgres_bin postgres_base postgres_uid postgres_gid postgres_major postgres_socket postgres_direct
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 setpriv --pdeathsig TERM /usr/bin/python3 "$tree/tests/fault/$script" "$@" &
    fault_job=$! # waited for, so that a signal to this shell ends both at once
    wait "$fault_job"
    fault_job=''
}
