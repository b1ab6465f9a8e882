#!/usr/bin/env bash
# A user with sudo, in a clone and a home of their own: everything is made anew, the Debian 13 root included.
. "$(dirname -- "$0")/lib.sh"

[ "$EUID" -eq 0 ] || skip "making a user takes root"
command -v sudo >/dev/null || fail "sudo is not installed"

user=tk$$
forget_user() {
    local status=$?
    su "$user" -c 'cd ~/clone && ./dev down' >/dev/null 2>&1 || true
    rm -f "/etc/sudoers.d/$user"
    userdel "$user" 2>/dev/null || true
    # The root in its cache is root's.
    rm -rf --one-file-system -- "/home/${user:?}"
    clean "$status"
}
trap forget_user EXIT
useradd --create-home --shell /bin/bash "$user"
printf '%s ALL=(ALL) NOPASSWD:ALL\n' "$user" >"/etc/sudoers.d/$user"
chmod 0440 "/etc/sudoers.d/$user"

mkdir "/home/$user/clone"
(cd "$tree" && git -c safe.directory="$tree" ls-files -z | tar --null --files-from=- -c) | tar -x -C "/home/$user/clone"
chown -R "$user:" "/home/$user"

as_user() { su - "$user" -c "cd ~/clone && $*" </dev/null; }

address=$(free_address)
as_user ./dev up --detach --listen "$address"
ready "$address" || fail "not ready"
data=/home/$user/clone/.local
for process in $(service_of "$data") $(postgres_of "$data"); do
    [ "$(stat -c %U "/proc/$process")" = "$user" ] || fail "process $process does not run as $user"
done
[ "$(as_user ./dev psql -- -XtAc "'SELECT 6 * 7'")" = 42 ] || fail "psql does not reach it"
expect_said 'Already up' as_user ./dev up --detach
as_user ./dev down
[ ! -e "$data/pg/postmaster.pid" ] || fail "down left PostgreSQL running"
