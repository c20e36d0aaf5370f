#!/bin/sh
# npm test [-- path …]: sets up what the tests need and runs them. See scripts/test.ts.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/bootstrap.sh
exec "$BUN" scripts/test.ts "$@"
