# Debian packages and the rights to install them.
# shellcheck shell=bash

packages_build=(
    gcc libc6-dev cmake ninja-build pkg-config
    libmicrohttpd-dev libgnutls28-dev libpq-dev libjansson-dev libcurl4-openssl-dev zlib1g-dev libxxhash-dev nettle-dev
)
packages_check=(
    check libsubunit-dev libprotobuf-c-dev protobuf-c-compiler
    python3 python3-yaml python3-jsonschema
)

as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# as_root_needed WHY: ends here, saying WHY, when root rights cannot be had; asks for a password now
# rather than in the middle of a long step.
as_root_needed() {
    [ "$EUID" -ne 0 ] || return 0
    command -v sudo >/dev/null || die "$1, and that needs root: run it as root or install sudo"
    if [ -t 0 ]; then
        sudo -v || die "$1, and that needs root: sudo refused"
    else
        sudo -n true 2>/dev/null || die "$1, and that needs root: sudo asks for a password here"
    fi
}

# packages_missing NAME...: prints those that are not installed.
packages_missing() {
    local name
    local -A installed=()
    while read -r name; do
        installed[$name]=1
    done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
    for name in "$@"; do
        [ -n "${installed[$name]-}" ] || printf '%s\n' "$name"
    done
}

packages_refresh() {
    as_root_needed "the list of Debian packages has to be fetched"
    step "Fetching the list of packages" as_root apt-get -qq -o DPkg::Lock::Timeout=600 update
}

packages_listed() { compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

packages_apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y \
        -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        install --no-install-recommends "$@"
}

# packages_need NAME...: installs those that are missing.
packages_need() {
    local -a missing
    command -v dpkg-query >/dev/null ||
        die "this system has no Debian packages; ./dev knows Debian 12, Debian 13 and Ubuntu 24.04"
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    as_root_needed "these packages are missing: ${missing[*]}"
    packages_listed || packages_refresh
    say "Installing: ${missing[*]}"
    step "apt-get install" packages_apt "${missing[@]}" && return
    # The list may be older than the archive: once more with a new one.
    packages_refresh
    step "apt-get install" packages_apt "${missing[@]}"
}
