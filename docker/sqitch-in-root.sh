#!/bin/sh
# Stock sqitch from the trixie root, in the caller's folder; docker/trixie-root.sh names the root.
exec chroot "$PGJIKAN_TRIXIE_ROOT" /bin/sh -c 'cd "$1" && shift && exec sqitch "$@"' sh "$PWD" "$@"
