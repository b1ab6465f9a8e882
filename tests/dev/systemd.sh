#!/usr/bin/env bash
# The unit file is one that systemd understands, and exposes no more than docs/runbooks/SYSTEMD.md says.
. "$(dirname -- "$0")/lib.sh"

unit=$work/tracekin.service
sed "s,@CMAKE_INSTALL_FULL_BINDIR@,$tree/build/release," "$tree/service/tracekin.service.in" >"$unit"

# What it warns of (a setting it does not know, a value it cannot read) ends in its output, not in its status.
said=$(systemd-analyze verify "$unit" 2>&1) || fail "systemd-analyze verify: $said"
[ -z "$said" ] || fail "systemd-analyze verify: $said"

documented=$(sed -n 's/.*Overall exposure level for tracekin.service: \([0-9.]*\).*/\1/p' "$tree/docs/runbooks/SYSTEMD.md")
[ -n "$documented" ] || fail "docs/runbooks/SYSTEMD.md does not tell the exposure level"
systemd-analyze security --no-pager --offline=yes --threshold="$(tr -d . <<<"$documented")" "$unit" >/dev/null ||
    fail "systemd-analyze security: the exposure is above $documented, which docs/runbooks/SYSTEMD.md says"

# The alarms work: an unknown setting, and a door opened.
sed 's/^UMask=.*/UMsk=0077/' "$unit" >"$work/misspelt.service"
[ -n "$(systemd-analyze verify "$work/misspelt.service" 2>&1)" ] || fail "systemd-analyze verify does not see a misspelt setting"
sed '/^SystemCallFilter=/d' "$unit" >"$work/open.service"
if systemd-analyze security --no-pager --offline=yes --threshold="$(tr -d . <<<"$documented")" "$work/open.service" >/dev/null; then
    fail "systemd-analyze security does not see that the filter is gone"
fi

# The stop has the time that a drain takes unless set otherwise.
drain_s=$(TRACEKIN_DATABASE_URL=postgresql://x "$tree/build/release/tracekin" check-config | sed -n 's/.*--drain-timeout; default \([0-9]*\)s;.*/\1/p')
stop_s=$(sed -n 's/^TimeoutStopSec=\([0-9]*\)s$/\1/p' "$unit")
[ "$stop_s" -gt $((${drain_s:-1000} + 10)) ] || fail "TimeoutStopSec ($stop_s) leaves no time after a drain of '$drain_s' s"
