#!/usr/bin/env bash
# caught.sh TEXT COMMAND...: the command must end as a failure and say TEXT.
set -euo pipefail

text=$1
shift
status=0
said=$("$@" 2>&1) || status=$?
grep -qF -- "$text" <<<"$said" && [ "$status" -ne 0 ] && exit 0
printf 'The alarm is broken: "%s" ended with %d, and did not say "%s" but: %s\n' "$*" "$status" "$text" "$said" >&2
exit 1
