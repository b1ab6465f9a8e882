# Prometheus and promtool, out of Debian's package prometheus, whose server is neither installed nor started as a service.
# shellcheck shell=bash

prometheus_unpack() {
    local into=$1 part=$1.part.$$
    mkdir -p "$part" &&
        (cd "$part" && apt-get -o APT::Sandbox::User=root download prometheus) &&
        dpkg-deb --fsys-tarfile "$part"/prometheus_*.deb |
            tar -x -C "$part" --strip-components=3 ./usr/bin/prometheus ./usr/bin/promtool &&
        rm -f -- "$part"/prometheus_*.deb &&
        mv -T -- "$part" "$into"
}

# Sets PROMETHEUS and PROMTOOL, for the tests, to their paths in the cache.
prometheus_need() {
    local folder
    folder=$(root_cache)/prometheus
    export PROMETHEUS=$folder/prometheus PROMTOOL=$folder/promtool
    [ ! -x "$PROMTOOL" ] || return 0
    packages_listed || packages_refresh
    step "Fetching Prometheus" prometheus_unpack "$folder" || die "the package prometheus cannot be fetched"
}
