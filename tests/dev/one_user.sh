#!/usr/bin/env bash
# Several at once as root on a machine without the server's user: all go on, with the same one. On an /etc of their own.
. "$(dirname -- "$0")/lib.sh"

[ "$EUID" -eq 0 ] || skip "making a user takes root"

mkdir "$work/etc"
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$work/etc/passwd"
printf 'root:x:0:\n' >"$work/etc/group"
printf 'root:*:1::::::\n' >"$work/etc/shadow"
printf 'root:*::\n' >"$work/etc/gshadow"
cat >"$work/prepare" <<'END'
set -euo pipefail
for part in say packages root postgres; do . "$1/dev.d/$part.sh"; done
root_prepare() { :; } # that may install packages
postgres_prepare
printf '%s:%s\n' "$postgres_uid" "$postgres_gid"
END
cat >"$work/at_once" <<'END'
for i in 1 2 3 4; do bash /prepare "$1" >"/said/$i" & jobs="${jobs-} $!"; done
for job in $jobs; do wait "$job" || exit; done
END

sandbox=(bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
    --proc /proc --dev /dev --tmpfs /tmp --tmpfs /var --ro-bind "$tree" "$tree" --bind "$work/etc" /etc
    --ro-bind "$work/prepare" /prepare --ro-bind "$work/at_once" /at_once --bind "$work/said" /said)
mkdir "$work/said"
"${sandbox[@]}" bash /at_once "$tree" || fail "one of several at once exits $?"
ids=$(sed -n 's/^tracekin:x:\([0-9]*:[0-9]*\):.*/\1/p' "$work/etc/passwd")
[ -n "$ids" ] || fail "there is no user"
for said in "$work"/said/*; do
    [ "$(tail -n 1 "$said")" = "$ids" ] || fail "one goes on with $(tail -n 1 "$said"), but the user is $ids"
done
