# Benchmarks: bench/NAME.sh, each run on the release build.
# shellcheck shell=bash

bench_names() {
    local script
    for script in "$tree"/bench/*.sh; do
        [ ! -e "$script" ] || basename "$script" .sh
    done
}

bench_run() {
    local name=${1-}
    if [ -z "$name" ]; then
        say "benchmarks: $(bench_names | paste -sd' ' | sed 's/^$/none yet/')"
        return
    fi
    [ -e "$tree/bench/$name.sh" ] || die "there is no benchmark '$name'; there are: $(bench_names | paste -sd' ')"
    shift
    packages_need "${packages_build[@]}"
    build_need release
    exec bash "$tree/bench/$name.sh" "$@"
}
