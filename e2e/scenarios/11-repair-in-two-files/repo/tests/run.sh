#!/bin/sh
# Runs tally on every tests/NAME.log and compares what it prints with tests/NAME.expected. Exit code 1 when one differs.
# A first line `# arguments: ...` of a log gives the arguments.
cd "$(dirname "$0")/.." || exit 2
passed=0
failed=0
for log in tests/*.log; do
  name=$(basename "$log" .log)
  arguments=$(sed -n '1s/^# arguments: //p' "$log")
  # shellcheck disable=SC2086 # several arguments
  if difference=$(./tally $arguments "$log" 2>&1 | diff -u "tests/$name.expected" -); then
    passed=$((passed + 1))
    echo "ok: $name"
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
    printf '%s\n' "$difference" | sed -e 1,2d -e 's/^/  /'
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
