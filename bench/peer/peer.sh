# The peer: what a user would write instead of the service, on the same database (README.md). To be sourced, after dev.d/say.sh,
# process.sh and packages.sh, with `tree` set; one at a time.
# shellcheck shell=bash

peer_packages=(
    python3 python3-fastapi python3-sqlalchemy python3-greenlet python3-asyncpg python3-uvicorn python3-uvloop
    python3-httptools python3-ujson python3-xxhash
)
peer_ready_s=30
peer_job=''

# peer_answers PORT
peer_answers() {
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
    grep -q '^HTTP/1.1 200' <&3
    local status=$?
    exec 3>&-
    return "$status"
} 2>/dev/null

# peer_start PORT DATABASE_URL [LOG]: returns once it answers. A worker for each processor, in a session of its own with them.
peer_start() {
    local port=$1 url=$2 log=${3-/dev/null} deadline=$((SECONDS + peer_ready_s))
    packages_need "${peer_packages[@]}"
    DATABASE_URL=$url PYTHONDONTWRITEBYTECODE=1 TZ=UTC setsid /usr/bin/python3 -m uvicorn app:app --app-dir "$tree/bench/peer" \
        --host 127.0.0.1 --port "$port" --workers "$(nproc)" --loop uvloop --http httptools --no-access-log --log-level warning \
        </dev/null >"$log" 2>&1 &
    peer_job=$!
    until peer_answers "$port"; do
        kill -0 "$peer_job" 2>/dev/null || die "the peer ended before it was ready: see $log"
        [ "$SECONDS" -lt "$deadline" ] || die "the peer is not ready within $peer_ready_s s: see $log"
        sleep 0.2
    done
}

peer_stop() {
    [ -n "$peer_job" ] || return 0
    process_stop "$peer_job" TERM 20 || kill -KILL -- "-$peer_job" 2>/dev/null || true
    wait "$peer_job" 2>/dev/null || true
    peer_job=''
}
