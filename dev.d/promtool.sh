# promtool, out of Debian's package prometheus, whose server is neither installed nor started.
# shellcheck shell=bash

promtool_unpack() {
    local into=$1 part=$1.part.$$
    mkdir -p "$part" &&
        (cd "$part" && apt-get -o APT::Sandbox::User=root download prometheus) &&
        dpkg-deb --fsys-tarfile "$part"/prometheus_*.deb | tar -x -C "$part" ./usr/bin/promtool &&
        mv "$part/usr/bin/promtool" "$into" &&
        rm -rf "$part"
}

# Sets PROMTOOL, for the tests, to its path in the cache.
promtool_need() {
    PROMTOOL=$(root_cache)/promtool
    export PROMTOOL
    [ ! -x "$PROMTOOL" ] || return 0
    packages_listed || packages_refresh
    step "Fetching promtool" promtool_unpack "$PROMTOOL" || die "the package prometheus cannot be fetched"
}
