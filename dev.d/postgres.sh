# Which PostgreSQL there is, and how a program of it is run: on this machine's own packages, or on those of a
# Debian 13 root, where the system packages no pgvector.
# shellcheck shell=bash

postgres_root_packages=(postgresql-17 postgresql-17-pgvector)
postgres_user=tracekin # the database's superuser, and the system's user that the server has when root starts it
postgres_hide=()       # more bwrap arguments, for a test that takes something away

# --- which PostgreSQL

# Prints the majors with pgvector installed under BASE, best first: 17, then the newest.
postgres_installed() {
    local control
    for control in "$1"/usr/share/postgresql/*/extension/vector.control; do
        [ -e "$control" ] || continue
        control=${control%/extension/vector.control}
        [ ! -x "$1/usr/lib/postgresql/${control##*/}/bin/postgres" ] || printf '%s\n' "${control##*/}"
    done | sort -rn | awk '$1 == 17 { first = $1 } $1 >= 15 && $1 != 17 { rest = rest $1 "\n" } END { if (first) print first; printf "%s", rest }'
}

postgres_packaged() {
    packages_listed || packages_refresh
    apt-cache search --names-only '^postgresql-[0-9]+-pgvector$' |
        sed -En 's/^postgresql-([0-9]+)-pgvector .*/\1/p' | sort -rn |
        awk '$1 == 17 { best = 17 } !best && $1 >= 15 { newest = newest ? newest : $1 } END { print best ? best : newest }'
}

# The packages' own cluster on port 5432 is not ours to make: creation is off while they are installed.
postgres_install() {
    local conf=/etc/postgresql-common/createcluster.conf aside=''
    if [ -n "$(packages_missing postgresql-common)" ]; then
        packages_need postgresql-common
        aside=$conf.before-tracekin
        as_root cp -p "$conf" "$aside"
        as_root sed -Ei 's/^#? *create_main_cluster *=.*/create_main_cluster = false/' "$conf"
    fi
    packages_need "postgresql-$1" "postgresql-$1-pgvector"
    [ -z "$aside" ] || as_root mv "$aside" "$conf"
}

# Prints the major to use from BASE: that of the data if there is any, else the best.
postgres_choice() {
    local -a majors
    mapfile -t majors < <(postgres_installed "$1")
    if [ -z "$2" ]; then
        printf '%s\n' "${majors[0]-}"
    else
        printf '%s\n' "${majors[@]}" | grep -x "$2" || true
    fi
}

# postgres_pick CLUSTER: sets postgres_base ('' or a root), postgres_major and postgres_bin, installing what is missing.
postgres_pick() {
    local of_data='' packaged
    [ ! -e "$1/PG_VERSION" ] || of_data=$(<"$1/PG_VERSION")
    postgres_base=''
    postgres_major=$(postgres_choice '' "$of_data")
    if [ -z "$postgres_major" ]; then
        postgres_base=$(root_path postgresql "${postgres_root_packages[@]}")
        postgres_major=$(postgres_choice "$postgres_base" "$of_data")
    fi
    if [ -z "$postgres_major" ]; then
        packaged=$(postgres_packaged)
        if [ -n "$packaged" ] && [ "${of_data:-$packaged}" = "$packaged" ]; then
            postgres_base=''
            postgres_install "$packaged"
        else
            root_need postgresql "${postgres_root_packages[@]}"
        fi
        postgres_major=$(postgres_choice "$postgres_base" "$of_data")
        [ -n "$postgres_major" ] || die "$1 holds data of PostgreSQL $of_data, which is not to be had here with pgvector:" \
            "install postgresql-$of_data and postgresql-$of_data-pgvector, or choose another --data"
    fi
    postgres_bin=$postgres_base/usr/lib/postgresql/$postgres_major/bin
}

# --- how it is run

# Makes the system's user that the server has. Two at once make one: useradd looks for the name before it takes a lock, so of
# two the second fails, or gives the user another id than the first has gone on with.
postgres_user_need() {
    local lock
    exec {lock}</etc
    flock "$lock"
    getent passwd "$postgres_user" >/dev/null || {
        say "Making the system user $postgres_user, as PostgreSQL refuses to run as root"
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$postgres_user"
    }
    exec {lock}<&-
}

# Sets whom the server runs as, and postgres_direct where it needs no sandbox: called by a user, from the system's
# own packages. Root always takes the sandbox: the server may not be root and its user may not be able to reach
# the cluster's folder, but a bind mount of it it can.
postgres_prepare() {
    postgres_direct=''
    if [ "$EUID" -eq 0 ]; then
        postgres_user_need
        postgres_uid=$(id -u "$postgres_user")
        postgres_gid=$(id -g "$postgres_user")
    else
        postgres_uid=$(id -u)
        postgres_gid=$(id -g)
        [ -n "$postgres_base" ] || postgres_direct=yes
    fi
    [ -n "$postgres_direct" ] || root_prepare
}

# postgres_run CLUSTER COMMAND...: runs a program of that PostgreSQL, or any other, on CLUSTER as the server's user.
# Descriptor 9 is the lock of the data folder, which a server must not inherit.
postgres_run() {
    local at=$1 program=$2
    shift 2
    [ ! -x "$postgres_bin/$program" ] || program=/usr/lib/postgresql/$postgres_major/bin/$program
    if [ -n "$postgres_direct" ]; then
        env -i PATH=/usr/bin:/bin LC_ALL=C TZ=UTC PGDATA="$at" "$program" "$@" 9>&-
        return
    fi
    root_argv "$postgres_base" "$postgres_uid" "$postgres_gid" \
        --ro-bind "$run_dir/passwd" /etc/passwd --bind "$at" /data --chdir /data --setenv PGDATA /data \
        --bind "$postgres_socket" "$postgres_socket" "${postgres_hide[@]}"
    "${root_argv[@]}" "$program" "$@" 9>&-
}
