#!/bin/sh
# Prints its arguments as one slug.
set -eu

slugify() {
  printf '%s' "$*" |
    tr '[:upper:]' '[:lower:]' |
    sed -e 's/[^a-z0-9]\{1,\}/-/g'
}

slugify "$@"
echo
