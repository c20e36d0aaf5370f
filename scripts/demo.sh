#!/bin/sh
# npm run demo [-- --keep]: shows the main job end to end on this machine. See scripts/demo.ts.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/bootstrap.sh
exec "$BUN" scripts/demo.ts "$@"
