# The test run: every build variant with its tests, the scenarios of tests/dev, tests/docker and tests/docs, the analyzers of
# tests/static, and the tree built and tested in Debian 13, all by one ctest on a throw-away PostgreSQL. A test's name begins with
# its variant.
# shellcheck shell=bash

test_packages=(clang libclang-rt-dev shellcheck git sudo curl procps nghttp2-client bubblewrap systemd python3-seccomp
    clang-tidy cppcheck gcovr valgrind afl++)
test_timeout_s=300           # of a test that names none
test_trixie_timeout_s=1500   # all of Debian 13's tests together
test_scenario_timeout_s=600
test_static_timeout_s=1500
test_settings='fsync = off
full_page_writes = off
shared_buffers = 256MB
max_wal_size = 2GB
log_min_duration_statement = -1'

# --- what takes part

# Prints the variant that PATTERN begins with, if any: no other can have tests that match it.
test_variant_of() {
    local variant
    for variant in debug asan tsan valgrind fuzz trixie dev docker docs static fault; do
        case ${1#^} in "$variant" | "$variant".* | "$variant"\\.*) printf '%s\n' "$variant" ;; esac
    done
}

# Sets test_variants, what is built, test_pattern, which of its tests are run, test_covers, whether they are all that cover, and
# test_fault_timeout_s, of one that has a long form.
test_select() {
    local only
    test_pattern=''
    test_covers=''
    [ "${1-}" != full ] || export TRACEKIN_TEST_FULL=1
    test_fault_timeout_s=$test_scenario_timeout_s
    [ -z "${TRACEKIN_TEST_FULL-}" ] || test_fault_timeout_s=14400 # 200 rounds; an hour of load
    # Coverage is debug with counters, and its tests have debug's names: the whole run needs no other.
    test_variants=(coverage asan tsan valgrind fuzz)
    grep -qx 'VERSION_CODENAME=trixie' /etc/os-release || test_variants+=(trixie)
    if [ "${1-}" = full ]; then
        test_covers=yes
        return
    fi
    test_pattern=${1-}
    case $test_pattern in
        '') test_covers=yes ;;
        coverage)
            test_pattern='^(debug|coverage)\.' test_variants=(coverage) test_covers=yes
            return
            ;;
    esac
    only=$(test_variant_of "$test_pattern")
    case $only in
        '') ;;
        dev | docker | docs | static | fault) test_variants=() ;;
        *) test_variants=("$only") ;;
    esac
}

# --- Debian 13

# Sets root_argv for a command in a Debian 13 that sees this tree, can write only its build folder there, and
# ends with who started it.
test_trixie_argv() {
    local folder=$tree/build/trixie root
    root=$(root_path build "${packages_build[@]}" "${packages_check[@]}")
    mkdir -p "$folder"
    root_prepare
    root_argv "$root" "$(id -u)" "$(id -g)" --unshare-pid --proc /proc --die-with-parent \
        --ro-bind "$tree" "$tree" --bind "$folder" "$folder" --chdir "$tree" "$@"
}

test_trixie_build() {
    test_trixie_argv
    "${root_argv[@]}" cmake --preset debug -B build/trixie -DTEST_PREFIX=trixie. &&
        "${root_argv[@]}" cmake --build build/trixie &&
        "${root_argv[@]}" cmake --preset release -B build/trixie/release &&
        "${root_argv[@]}" cmake --build build/trixie/release
}

# --- the list that ctest runs

# test_entry NAME TIMEOUT LABEL COMMAND...
test_entry() {
    local name=$1 timeout=$2 label=$3
    shift 3
    printf 'add_test([==[%s]==]' "$name"
    printf ' [==[%s]==]' "$@"
    printf ')\nset_tests_properties([==[%s]==] PROPERTIES TIMEOUT %s LABELS %s SKIP_RETURN_CODE 77)\n' "$name" "$timeout" "$label"
}

test_list() {
    local variant script
    for variant in "${test_variants[@]}"; do
        case $variant in
            trixie)
                test_trixie_argv --bind "$postgres_socket" "$postgres_socket" \
                    --setenv TRACEKIN_TEST_DATABASE_URL "$TRACEKIN_TEST_DATABASE_URL"
                test_entry trixie.all "$test_trixie_timeout_s" trixie "${root_argv[@]}" \
                    ctest --test-dir build/trixie --output-on-failure --no-tests=error --timeout "$test_timeout_s"
                # It takes longest, so it starts first.
                printf 'set_tests_properties(trixie.all PROPERTIES COST 10000)\n'
                test_entry trixie.hardening "$test_timeout_s" trixie bash "$tree/tests/dev/hardening.sh" "$tree/build/trixie/release"
                ;;
            *) printf 'subdirs([==[%s]==])\n' "$variant" ;;
        esac
        case $variant in
            tsan)
                test_entry tsan.fault.rounds "$test_fault_timeout_s" fault \
                    env TRACEKIN_FAULT_BINARY="$tree/build/tsan/tracekin" bash "$tree/tests/fault/rounds.sh"
                ;;
            fuzz) test_entry fuzz.afl "$test_fault_timeout_s" fuzz bash "$tree/tests/fuzz/afl.sh" ;;
        esac
    done
    for script in "$tree"/tests/dev/*.sh; do
        [ "${script##*/}" = lib.sh ] ||
            test_entry "dev.$(basename "$script" .sh)" "$test_scenario_timeout_s" dev bash "$script"
    done
    for script in "$tree"/tests/docs/*.sh; do
        test_entry "docs.$(basename "$script" .sh)" "$test_scenario_timeout_s" docs bash "$script"
    done
    for script in "$tree"/tests/fault/*.sh; do
        [ "${script##*/}" = lib.sh ] ||
            test_entry "fault.$(basename "$script" .sh)" "$test_fault_timeout_s" fault bash "$script"
    done
    for script in "$tree"/tests/static/*.sh; do
        [ "${script##*/}" != alarm.sh ] || continue
        # They use every processor for minutes: behind the tests that wait for something, and from the start.
        test_entry "static.$(basename "$script" .sh)" "$test_static_timeout_s" static nice -n 10 bash "$script"
        printf 'set_tests_properties(static.%s PROPERTIES COST 5000)\n' "$(basename "$script" .sh)"
    done
    for script in "$tree"/tests/docker/*.py; do
        test_entry "docker.$(basename "$script" .py)" "$test_scenario_timeout_s" docker /usr/bin/python3 "$script"
    done
    if [ -n "$test_covers" ]; then
        test_entry coverage.reached "$test_timeout_s" coverage bash "$tree/tests/coverage/reached.sh"
        printf 'set_tests_properties(coverage.reached PROPERTIES COST -1 RUN_SERIAL TRUE)\n' # after all others
    fi
    if [ -n "${TRACEKIN_TEST_FULL-}" ]; then
        test_entry docker.image "$test_scenario_timeout_s" docker bash "$tree/tests/docker/image.sh"
    fi
}

# --- the run

test_end() {
    local status=$? run
    trap - EXIT
    trap '' INT TERM HUP
    if [ -n "${test_ctest-}" ]; then
        kill -TERM -- "-$test_ctest" 2>/dev/null || true
    fi
    while read -r run; do
        [ "$run" = "$run_dir" ] || "$tree/dev" down --data "${run%/run}" >/dev/null 2>&1 9>&- || true
    done < <(find "$test_dir" -type d -name run)
    cluster_stop
    rm -rf -- "$test_dir"
    exit "$status"
}

test_build() {
    local variant
    for variant in "${test_variants[@]}"; do
        case $variant in
            trixie)
                root_need build "${packages_build[@]}" "${packages_check[@]}"
                step "Building in Debian 13" test_trixie_build || die "the Debian 13 build failed"
                ;;
            *) build_need "$variant" ;;
        esac
    done
    build_need release
    # Counters of an earlier run, or of sources that have changed since, tell nothing of the next.
    [ -z "$test_covers" ] || find "$tree/build/coverage" -name '*.gcda' -delete
}

test_cluster() {
    test_dir=$(mktemp -d "${TMPDIR:-/tmp}/tracekin-test.XXXXXX")
    # shellcheck disable=SC2034
    cluster_settings=$test_settings
    cluster_initdb+=(--no-sync)
    cluster_folders "$test_dir/cluster"
    trap test_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    cluster_folders_make
    cluster_lock
    cluster_start
    TRACEKIN_TEST_DATABASE_URL=$(cluster_url postgres)
    export TRACEKIN_TEST_DATABASE_URL TRACEKIN_TEST_DIR=$test_dir
}

# In a session of its own, so that whatever it leaves running can be ended with it.
test_ctest_run() {
    local status=0
    (cd "$tree/build" && exec setsid ctest --output-on-failure --no-tests=error --timeout "$test_timeout_s" -j "$(($(nproc) + 1))" \
        --output-junit "$tree/build/tests.xml" ${test_pattern:+-R "$test_pattern"} </dev/null 9>&-) &
    test_ctest=$!
    wait "$test_ctest" || status=$?
    return "$status"
}

test_run() {
    [ $# -le 1 ] || die "test takes one pattern (a regular expression), or full"
    unset TRACEKIN_DATABASE_URL TRACEKIN_LISTEN
    test_select "$@"
    packages_need "${packages_build[@]}" "${packages_check[@]}" "${test_packages[@]}"
    prometheus_need
    test_build
    test_cluster
    test_list >"$tree/build/CTestTestfile.cmake"
    test_ctest_run
}
