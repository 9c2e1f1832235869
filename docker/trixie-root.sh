#!/bin/bash
# Run a command beside a full PostgreSQL 17 (pgvector, pg_cron, plpython3u, pgTAP, plpgsql_check) and
# stock sqitch, without Docker: the image's package list, installed into a Debian trixie root. Patroni,
# etcd, HAProxy and PgBouncer are there too, for `make failover`.
#
#     docker/trixie-root.sh COMMAND [WORD…]
#
# The root is built once under .cache/trixie-root and again when a package list changes. Server,
# data and mounts live in namespaces of their own, so nothing is left however this ends. COMMAND finds
#     PGJIKAN_TEST_DSN     the server's superuser on a free loopback port
#     PGJIKAN_SQITCH       an executable: stock sqitch, in the caller's folder (project or /tmp)
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
cache=$project/.cache
root=$cache/trixie-root
lists=("$project/docker/db/packages.txt" "$project/docker/db/test-packages.txt")
binaries=/usr/lib/postgresql/17/bin

die() {
    echo "trixie-root: $*" >&2
    exit 1
}

build() {
    local stamp mirror packages
    stamp=$(cat "${lists[@]}" | sha256sum | cut -d' ' -f1)
    if [ "$(cat "$root/.packages.sha256" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    command -v apt-get >/dev/null || die "needs a Debian machine (apt-get) to build its root"
    if ! command -v mmdebstrap >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends mmdebstrap
    fi
    mirror=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Label: Debian' 'Component: main' | sort -u | head -n 1)
    if [ -z "$mirror" ]; then
        apt-get update -qq
        mirror=$(apt-get indextargets --format '$(REPO_URI)' \
            'Created-By: Packages' 'Label: Debian' 'Component: main' | sort -u | head -n 1)
    fi
    [ -n "$mirror" ] || die "the machine's apt sources name no Debian mirror"
    packages=$(sort -u "${lists[@]}" | paste -sd,)
    rm -rf --one-file-system "$root" "$root.new"
    echo "trixie-root: building $root (about a minute, 710 MB)" >&2
    if ! mmdebstrap --mode=root --variant=minbase --include="$packages" \
        trixie "$root.new" "$mirror" >"$root.log" 2>&1; then
        tail -n 20 "$root.log" >&2
        die "the root could not be built; all of it is in $root.log"
    fi
    echo "$stamp" >"$root.new/.packages.sha256"
    mv "$root.new" "$root"
}

in_root() {
    chroot "$root" "$@"
}

mount_root() {
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind /tmp "$root/tmp"
    mkdir -p "$root$project"
    mount --bind "$project" "$root$project"
    # The cluster is in memory: fast, and gone with the namespace.
    mount -t tmpfs -o mode=0755 tmpfs "$root/mnt"
}

start_server() {
    local port=$1 password=$2
    install -d -m 0700 -o "$(in_root id -u postgres)" -g "$(in_root id -g postgres)" "$root/mnt/run"
    as_postgres() {
        in_root runuser -u postgres -- "$@"
    }
    (umask 077 && echo "$password" >"$root/mnt/password")
    chown --reference="$root/mnt/run" "$root/mnt/password"
    chown --reference="$root/mnt/run" "$root/mnt"
    as_postgres "$binaries/initdb" -D /mnt/data --no-sync --pwfile=/mnt/password \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    cat >>"$root/mnt/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '/mnt/run'
fsync = off
max_prepared_transactions = 5
synchronous_commit = off
full_page_writes = off
max_wal_size = 256MB
timezone = 'UTC'
max_worker_processes = 24
shared_preload_libraries = 'pg_cron'
cron.database_name = 'pgjikan_cron'
cron.use_background_workers = on
CONF
    # pg_cron wants its database from the first moment.
    echo 'CREATE DATABASE pgjikan_cron' | as_postgres "$binaries/postgres" --single \
        -c shared_preload_libraries= -c log_min_messages=fatal -D /mnt/data postgres >/dev/null
    # anime.fetch_now imports the HTTP client from here.
    as_postgres env PYTHONPATH="$project/sidecar" \
        "$binaries/pg_ctl" -s -w -D /mnt/data -l /mnt/run/log start ||
        { cat "$root/mnt/run/log" >&2; die "the server did not start"; }
}

if [ "${1:-}" = --in-namespaces ]; then
    shift
    mount_root
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    start_server "$port" "$password"
    export PGJIKAN_TRIXIE_ROOT=$root
    export PGJIKAN_TEST_DSN="postgresql://postgres:$password@127.0.0.1:$port/postgres"
    export PGJIKAN_SQITCH=$project/docker/sqitch-in-root.sh
    "$@" && status=0 || status=$?
    in_root runuser -u postgres -- "$binaries/pg_ctl" -s -w -m fast -D /mnt/data stop || true
    exit "$status"
fi

[ $# -gt 0 ] || die "say which command to run"
[ "$(id -u)" = 0 ] || die "needs root, for chroot and mounts"
mkdir -p "$cache"
exec 9>"$cache/trixie-root.lock"
flock 9
build
flock -u 9
exec 9>&-
exec unshare --mount --pid --fork --kill-child --mount-proc "$0" --in-namespaces "$@"
