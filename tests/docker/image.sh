#!/usr/bin/env bash
# Builds the image of the Dockerfile without a container engine's daemon, on a Debian 13 root that stands for
# debian:trixie-slim, and runs it with a read-only root on a real PostgreSQL: it gets healthy, answers, and drains.
# docs/runbooks/CONTAINER.md tells the same steps to do by hand.
. "$(dirname -- "$0")/../dev/lib.sh"

[ "$EUID" -eq 0 ] || skip "buildah's chroot isolation takes root here"

for part in say process packages root postgres cluster; do
    # shellcheck source=/dev/null
    . "$tree/dev.d/$part.sh"
done
packages_need podman buildah runc
runroot=$(mktemp -d /tmp/tracekin-XXXXXX) # podman takes no name longer than 50 characters
store=(--root "$work/store" --runroot "$runroot" --storage-driver vfs)
name=tracekin-test-$$

forget_container() {
    local status=$?
    podman "${store[@]}" rm --force --time 5 "$name" >/dev/null 2>&1 || true
    rm -rf -- "$runroot"
    clean "$status"
}
trap forget_container EXIT

# A PostgreSQL that asks for a password over TCP, as the one in a compose stack does.
database=$(free_address)
# shellcheck disable=SC2034
cluster_initdb=(--username="$postgres_user" --encoding=UTF8 --auth-local=trust --auth-host=scram-sha-256 --no-sync)
# shellcheck disable=SC2034
cluster_settings="listen_addresses = '127.0.0.1'
port = ${database##*:}"
cluster_folders "$work/postgres"
cluster_folders_make
cluster_lock
cluster_start
cluster_unlock
# The socket's name has the port in it.
url=$(cluster_url tracekin)
(cluster_psql "${url/port=5432/port=${database##*:}}" -Xqc "ALTER USER tracekin PASSWORD 'of the test'")

root_need slim apt
tar -C "$(root_path slim apt)" -c . | podman "${store[@]}" import -q - docker.io/library/debian:trixie-slim
(cd "$tree" && buildah "${store[@]}" bud --isolation chroot --network host --pull-never --format docker \
    --build-arg VERSION=test -t tracekin:test .)

address=$(free_address)
podman "${store[@]}" --runtime runc run --detach --name "$name" --network host --read-only --cap-drop all \
    --security-opt no-new-privileges --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 \
    --env TRACEKIN_LISTEN="$address" \
    --env TRACEKIN_DATABASE_URL="postgresql://tracekin:of%20the%20test@$database/tracekin" tracekin:test

for _ in {1..100}; do
    if podman "${store[@]}" healthcheck run "$name"; then break; fi
    sleep 0.2
done
podman "${store[@]}" healthcheck run "$name" || fail "not healthy: $(podman "${store[@]}" logs "$name" 2>&1)"
[ "$(curl -fsS -o /dev/null -w '%{http_code}' "http://$address/readyz")" = 200 ] || fail "/readyz is not 200"
now=$(date +%s%N)
curl -fsS -H 'Content-Type: application/json' -d '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",
    "value":{"stringValue":"boxed"}}]},"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
    "spanId":"eee19b7ec3c1b174","name":"in a box","kind":2,"startTimeUnixNano":"'"$now"'","endTimeUnixNano":"'"$now"'"}]}]}]}' \
    "http://$address/v1/traces"
for _ in {1..50}; do
    said=$(curl -sS "http://$address/api/v1/traces?service=boxed")
    if grep -q '5b8efff798038103d269b633813fc60c' <<<"$said"; then break; fi
    sleep 0.2
done
grep -q '"in a box"' <<<"$said" || fail "the trace is not to be found: $said"
[ "$(podman "${store[@]}" inspect --format '{{.Config.User}}' "$name")" = 10001:10001 ] || fail "it runs as another user"

podman "${store[@]}" stop --time 30 "$name"
status=$(podman "${store[@]}" inspect --format '{{.State.ExitCode}}' "$name")
[ "$status" = 0 ] || fail "SIGTERM made it exit $status: $(podman "${store[@]}" logs "$name" 2>&1)"
