# Debian 13 roots, for what the system itself does not package. Each is made once per machine by
# debootstrap, kept in a cache outside the tree, and used read-only by bwrap.
# shellcheck shell=bash

root_cache() {
    local home=${HOME:-$(getent passwd "$EUID" | cut -d: -f6)}
    printf '%s\n' "${TRACEKIN_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/tracekin}"
}

# root_path NAME PACKAGE...: where that root is or would be. The recipe is part of the name, so a changed
# one makes a new root beside the old.
root_path() {
    local name=$1 recipe
    shift
    recipe=$(printf '%s\n' "$@" | sha256sum)
    printf '%s/trixie-%s-%s\n' "$(root_cache)" "$name" "${recipe:0:8}"
}

root_mirror() {
    local mirror=''
    if grep -qx 'ID=debian' /etc/os-release; then
        # Not through `head`, whose early end would be apt's broken pipe.
        mirror=$(apt-get indextargets --format "\$(REPO_URI) \$(ORIGIN) \$(LABEL)" 'Created-By: Packages' |
            awk '$2 == "Debian" && $3 == "Debian" && !found { print $1; found = 1 }')
    fi
    printf '%s\n' "${mirror:-http://deb.debian.org/debian}"
}

# In a mount namespace of its own, so that what debootstrap mounts ends with it, however it ends.
root_make() {
    local into=$1 part=$1.part packages
    shift
    packages=$(IFS=,; printf '%s' "$*")
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    as_root rm -rf --one-file-system -- "$part" || return
    as_root env ${http_proxy:+http_proxy="$http_proxy"} unshare --mount \
        debootstrap --variant=minbase --include="$packages" trixie "$part" "$(root_mirror)" || return
    as_root find "$part/var/cache/apt" "$part/var/lib/apt/lists" -type f -delete || return
    as_root chmod 0755 "$part" || return
    as_root mv -T -- "$part" "$into"
}

# root_need NAME PACKAGE...: makes that root unless it is there. Two at once make one: the other waits.
root_need() {
    local path lock
    path=$(root_path "$@")
    [ ! -d "$path" ] || return 0
    packages_need debootstrap debian-archive-keyring bubblewrap
    as_root_needed "a Debian 13 root has to be made in $path"
    mkdir -p -- "${path%/*}"
    exec {lock}>"$path.lock"
    flock -n "$lock" || { say "Waiting for another ./dev that makes $path"; flock "$lock"; }
    if [ ! -d "$path" ]; then
        say "Making a Debian 13 root for $1 in $path (once per machine)"
        step "debootstrap trixie" root_make "$path" "${@:2}" || die "no Debian 13 root, so no $1"
    fi
    exec {lock}>&-
}

# root_argv BASE UID GID BWRAP_ARG...: sets `root_argv` to the command words that run what follows them as that user
# on the system of BASE ('' is this machine's own), with nothing else of the machine in sight but what the
# BWRAP_ARGs show. The process and IPC namespaces stay shared: PostgreSQL finds out by them whether another
# server is on its data.
root_argv() {
    local base=$1 uid=$2 gid=$3
    shift 3
    root_argv=(
        bwrap --ro-bind "$base/usr" /usr --ro-bind "$base/etc" /etc
        --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
        --ro-bind /proc /proc --dev /dev --perms 1777 --tmpfs /dev/shm --perms 1777 --tmpfs /tmp --dir /var/tmp
        --clearenv --setenv PATH /usr/bin:/bin --setenv LC_ALL C.UTF-8 --setenv TZ UTC --setenv HOME /tmp
        "$@"
    )
    if [ "$root_as_root" = yes ]; then root_argv=(as_root "${root_argv[@]}"); fi
    if [ "$uid" -ne 0 ] && { [ "$root_as_root" = yes ] || [ "$EUID" -eq 0 ]; }; then
        root_argv+=(setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs)
    fi
}

# Sets root_as_root: whether entering a root takes root rights here, as it does where the kernel gives
# ordinary users no namespaces.
root_prepare() {
    packages_need bubblewrap
    root_as_root=''
    if [ "$EUID" -ne 0 ] && ! bwrap --ro-bind / / true 2>/dev/null; then
        as_root_needed "a sandbox is needed that this system lets only root make"
        root_as_root=yes
    fi
}
