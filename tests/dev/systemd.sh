#!/usr/bin/env bash
# The unit file is one that systemd understands, exposes no more than docs/runbooks/SYSTEMD.md says, and asks for what that says.
. "$(dirname -- "$0")/lib.sh"

unit=$work/tracekin.service
sed "s,@CMAKE_INSTALL_FULL_BINDIR@,$tree/build/release," "$tree/service/tracekin.service.in" >"$unit"

# What it warns of (a setting it does not know, a value it cannot read) ends in its output, not in its status.
said=$(systemd-analyze verify "$unit" 2>&1) || fail "systemd-analyze verify: $said"
[ -z "$said" ] || fail "systemd-analyze verify: $said"

# A unit without them would be one that systemd understands too, and a score does not tell which of its doors is open.
wanted=$(cat <<'END'
Type=notify
NotifyAccess=main
ExecReload=/bin/kill -HUP $MAINPID
LoadCredential=database-url:/etc/tracekin/database-url
Environment=TRACEKIN_DATABASE_URL_FILE=%d/database-url
TimeoutStartSec=infinity
WatchdogSec=30s
Restart=always
RestartSec=2s
StartLimitIntervalSec=0
DynamicUser=yes
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
UMask=0077
LimitNOFILE=65536
LimitCORE=0
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
ProtectProc=invisible
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @chown @setuid @keyring @memlock @ipc
END
)
# missing FILE: prints those it lacks, or takes back: of each name it has no more lines than there are here.
missing() {
    local line
    while IFS= read -r line; do
        if ! grep -qxF -- "$line" "$1" || [ "$(grep -c "^${line%%=*}=" "$1")" != "$(grep -c "^${line%%=*}=" <<<"$wanted")" ]; then
            printf '%s\n' "$line"
        fi
    done <<<"$wanted"
}
[ -z "$(missing "$unit")" ] || fail "the unit does not say, or says otherwise too: $(missing "$unit")"
{ cat "$unit"; printf 'Restart=no\n'; } >"$work/taken_back.service"
[ "$(missing "$work/taken_back.service")" = Restart=always ] || fail "nobody sees what a later line takes back"
while IFS= read -r line; do
    grep -vxF -- "$line" "$unit" >"$work/less.service"
    grep -qxF -- "$line" <<<"$(missing "$work/less.service")" || fail "nobody sees that $line is gone"
done <<<"$wanted"

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
