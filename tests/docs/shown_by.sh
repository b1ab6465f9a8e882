#!/usr/bin/env bash
# A test that a document names as its witness is there: `unit.LAYER.NOUN`, `debug.integration.NOUN`, `valgrind.unit.LAYER.NOUN` and so on.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."
status=0

is_there() {
    local name=${1#debug.} kind noun
    name=${name#valgrind.}
    kind=${name%%.*} noun=${name#*.}
    case $kind in
        unit) [ -f "tests/unit/${noun%%.*}/test_${noun#*.}.c" ] ;;
        integration) [ -f "tests/integration/test_$noun.c" ] || grep -qF "TEST_PREFIX}integration.$noun " tests/integration/CMakeLists.txt ;;
        dev | docs | docker | static) compgen -G "tests/$kind/$noun.*" >/dev/null ;;
        trixie) grep -qF "test_entry $1 " dev.d/test.sh ;;
        *) compgen -G "tests/$kind/test_$noun.*" >/dev/null || compgen -G "tests/$kind/$noun.*" >/dev/null ||
            compgen -G "tests/$kind/*/$noun.*" >/dev/null ;;
    esac
}

mapfile -t documents < <(git ls-files 'SECURITY.md' 'docs/*.md')
while IFS=: read -r document name; do
    is_there "$name" || { printf '%s names %s, and there is no such test\n' "$document" "$name" >&2; status=1; }
done < <(grep -oHE "\`((debug|valgrind)\.)?(unit|integration|dev|docs|docker|static|trixie|fault|fuzz|security)\.[a-z0-9_.]+\`" "${documents[@]}" | tr -d '`')
exit "$status"
