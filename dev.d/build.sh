# The build folders, build/<preset>.
# shellcheck shell=bash

build_configure() {
    [ -f "$tree/build/$1/build.ninja" ] || (cd "$tree" && cmake --preset "$1")
}

# Two ./dev at once build one after the other.
build_preset() (
    mkdir -p "$tree/build" && exec 8>"$tree/build/lock" && flock 8 &&
        build_configure "$1" && cmake --build "$tree/build/$1"
)

# build_need PRESET: brings build/PRESET up to date; says so only when there was something to do.
build_need() {
    if [ -f "$tree/build/$1/build.ninja" ] &&
        [ "$(ninja -C "$tree/build/$1" -n 2>/dev/null | tail -n 1)" = 'ninja: no work to do.' ]; then
        return
    fi
    step "Building $1" build_preset "$1" || die "the $1 build failed"
}
