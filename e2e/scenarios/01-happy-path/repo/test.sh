#!/bin/sh
# Runs every case; prints one line for each and a count. Exit code 1 when one fails.
cd "$(dirname "$0")" || exit 1
passed=0
failed=0

check() {
  got=$(sh slugify.sh "$1")
  if [ "$got" = "$2" ]; then
    passed=$((passed + 1))
    echo "ok: '$1' gives '$got'"
  else
    failed=$((failed + 1))
    echo "FAILED: '$1' gives '$got', not '$2'"
  fi
}

check 'Hello World' 'hello-world'
check 'Release 2.0' 'release-2-0'
check 'one   two' 'one-two'
check 'already-a-slug' 'already-a-slug'
check '  What is new?  ' 'what-is-new'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
