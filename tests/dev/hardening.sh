#!/usr/bin/env bash
# hardening.sh [BUILD]: the release binary of that build folder has every protection that cmake/Hardening.cmake asks for.
set -euo pipefail
shopt -s inherit_errexit

tree=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=${1-$tree/build/release}
binary=$build/tracekin
missing=0

miss() {
    printf 'MISSING: %s\n' "$*" >&2
    missing=1
}

# expect WHAT TEXT PATTERN: a line of TEXT matches.
expect() { grep -qE -- "$3" <<<"$2" || miss "$1"; }

header=$(readelf --wide --file-header "$binary")
segments=$(readelf --wide --segments "$binary")
dynamic=$(readelf --wide --dynamic "$binary")
imports=$(readelf --wide --dyn-syms "$binary")
code=$(objdump --disassemble --no-show-raw-insn --section=.text "$binary")
commands=$(<"$build/compile_commands.json")

expect 'position-independent executable' "$header" 'Type: +DYN '
expect 'position-independent executable (flag)' "$dynamic" '\(FLAGS_1\).* PIE'
expect 'read-only relocations' "$segments" '^ +GNU_RELRO '
expect 'relocations at the start (-z now)' "$dynamic" '\(FLAGS\).*BIND_NOW'
expect 'stack segment' "$segments" '^ +GNU_STACK .* RW '
if grep -qE '^ +LOAD .* RWE ' <<<"$segments"; then miss 'a segment is both written and executed'; fi
if grep -qE '\((RPATH|RUNPATH|TEXTREL)\)' <<<"$dynamic"; then miss 'the binary names library folders or text relocations'; fi
expect 'stack protector' "$imports" ' __stack_chk_fail@'
expect 'fortified C library calls' "$imports" ' __(memcpy|snprintf|vsnprintf|read|poll)_chk@'
expect 'FORTIFY_SOURCE=3' "$commands" '-D_FORTIFY_SOURCE=3( |\\?")'
expect 'stack clash protection' "$commands" '-fstack-clash-protection '

case $(uname -m) in
    x86_64)
        # A frame of more than a page is touched page by page.
        expect 'stack probes' "$code" 'orq +[$]0x0,\(%rsp\)'
        expect 'control flow protection' "$commands" '-fcf-protection=full '
        # A place that an indirect call may go to begins with endbr64: every function that other files can call.
        functions=$(readelf --wide --symbols "$binary" |
            awk '$4 == "FUNC" && $5 == "GLOBAL" && $7 ~ /^[0-9]+$/ && $8 !~ /^_(start|init|fini)$/ { print $8 }')
        [ "$(wc -l <<<"$functions")" -gt 500 ] || miss "symbols: only $(wc -l <<<"$functions") functions; was the binary stripped?"
        bare=$(awk 'NR == FNR { is_ours[$1] = 1; next }
            name != "" && /^ / { if ($0 !~ /endbr64/) print name; name = "" }
            /^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3); if (!(name in is_ours)) name = "" }' \
            <(printf '%s\n' "$functions") <(printf '%s\n' "$code"))
        [ -z "$bare" ] || miss "endbr64 at the entry of $(wc -l <<<"$bare") functions: $(head -n 5 <<<"$bare" | tr '\n' ' ')"
        ;;
    aarch64) expect 'branch protection' "$commands" '-mbranch-protection=standard ' ;;
esac
exit "$missing"
