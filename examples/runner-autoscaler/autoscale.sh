#!/bin/sh
# Starts one-shot runners while runs are queued in a pool. Each does one job in a folder of its own, and is gone afterwards.
# Needs curl 7.55 or newer, jq, and an API token of an administrator of the installation with the scope admin.
#
#   WINDSHIFT_URL            as browsers reach it, such as https://windshift.example.com
#   WINDSHIFT_TOKEN_FILE     file with the token, wst_…
#   POOL                     name of the pool
#   LABELS                   what these runners can do beside the pool's labels, separated by commas
#   RUNNERS_MAX              runners at once (4)
#   INTERVAL_S               seconds between looks (10)
#   PAUSE_S                  seconds for which one that failed keeps its place (30)
#   START                    command that runs one windshift-runner to its end (windshift-runner); it gets WSRUNNER_… and
#                            inherits what else is set here, such as WS_API_URL and WSRUNNER_IMAGE
#   ROUNDS                   looks after which it ends (0: never)
set -eu
: "${WINDSHIFT_URL:?}" "${WINDSHIFT_TOKEN_FILE:?}" "${POOL:?}"
LABELS=${LABELS:-} RUNNERS_MAX=${RUNNERS_MAX:-4} INTERVAL_S=${INTERVAL_S:-10} PAUSE_S=${PAUSE_S:-30} ROUNDS=${ROUNDS:-0}
START=${START:-windshift-runner}
REVOKE_TRIES=10
umask 077
work=$(mktemp -d "${TMPDIR:-/tmp}/autoscale.XXXXXX")
# Unlike that of any other autoscaler; in containers all of them are process 1.
prefix="once-${work##*.}"
trap 'stop' INT TERM

# Runners that are at work finish their job and are revoked; nothing is cut off.
stop() {
  trap '' INT TERM
  wait
  rm -rf "$work"
  exit 0
}

# Secrets go through standard input and files: arguments can be read by everybody on the host.
printf 'authorization: Bearer %s\ncontent-type: application/json\n' "$(cat "$WINDSHIFT_TOKEN_FILE")" >"$work/headers"

api() { # method path, the body on standard input
  curl --silent --show-error --fail --max-time 30 --header "@$work/headers" --request "$1" --data @- "$WINDSHIFT_URL$2"
}

get() { # path
  curl --silent --show-error --fail --max-time 30 --header "@$work/headers" "$WINDSHIFT_URL$1"
}

# How many more are wanted: queued runs that these runners may take, less our runners that have nothing to do yet.
wanted() {
  alive=$(find "$work" -mindepth 1 -maxdepth 1 -type d | wc -l)
  get /api/v1/admin/diagnostics/runner-pools >"$work/pools" || return 1
  jq --arg pool "$POOL" --arg prefix "$prefix-" --arg labels "$LABELS" --argjson alive "$alive" --argjson most "$RUNNERS_MAX" \
    --slurpfile all "$work/all" '
    ($labels | split(",") | map(gsub(" "; "")) | map(select(. != ""))) as $own
    | ($all[0].pools[] | select(.name == $pool).labels) as $shared
    | .pools[] | select(.pool == $pool)
    | ([.queued_by_labels[] | select(.labels - $own - $shared == []) | .queued] | add // 0) as $queued
    | ([.runners[] | select(.name | startswith($prefix)) | .held] | add // 0) as $busy
    | [$queued - ($alive - $busy), $most - $alive, .max_running - .running] | min | [., 0] | max' "$work/pools"
}

# One runner's place, from its first to its last moment. One that failed keeps it a while, so that it is not started over and over.
place() { # number
  one "$1" || { echo "$prefix-$1 failed" >&2; sleep "$PAUSE_S"; }
  rm -rf "${work:?}/$1"
}

# One runner, from its token to its revocation. Called where a failing command ends nothing by itself.
one() { # number
  dir="$work/$1" name="$prefix-$1" failed=0
  echo '{"expires_in_s": 600}' | api POST "/api/v1/admin/pools/$pool_id/registration-tokens" >"$dir/minted" || return 1
  jq --raw-output .token "$dir/minted" >"$dir/token" || return 1
  WSRUNNER_ONCE=1 WSRUNNER_CAPACITY=1 WSRUNNER_LABELS="$LABELS" WSRUNNER_NAME="$name" WSRUNNER_CACHE_ROOT="$dir/cache" \
    WSRUNNER_REGISTRATION_TOKEN_FILE="$dir/token" sh -c "umask 022; exec $START" >"$dir/log" 2>&1 ||
    { failed=1; tail -n 5 "$dir/log" >&2; }
  tries=0
  until revoke "$name"; do
    tries=$((tries + 1))
    [ "$tries" -lt "$REVOKE_TRIES" ] || { echo "$name stays registered until it was silent for two weeks" >&2; return 1; }
    sleep "$INTERVAL_S"
  done
  return "$failed"
}

# Revokes a runner, if it came as far as being one. A server that is restarting is asked again by the caller.
revoke() { # name
  get /api/v1/admin/diagnostics/runner-pools >"$dir/pools" || return 1
  runner=$(jq --arg pool "$POOL" --arg name "$1" \
    '.pools[] | select(.pool == $pool).runners[] | select(.name == $name and .state != "revoked").id' "$dir/pools") || return 1
  [ -z "$runner" ] || echo '{}' | api POST "/api/v1/admin/runners/$runner/revoke" >"$dir/revoked"
}

get /api/v1/admin/pools >"$work/all"
pool_id=$(jq --arg pool "$POOL" '.pools[] | select(.name == $pool).id' "$work/all")
[ -n "$pool_id" ] || { echo "there is no pool $POOL" >&2; exit 1; }
number=0 round=0
while [ "$ROUNDS" -eq 0 ] || [ "$round" -lt "$ROUNDS" ]; do
  round=$((round + 1))
  # A server may be restarting: the next look tells.
  if more=$(wanted); then
    while [ "$more" -gt 0 ]; do
      more=$((more - 1)) number=$((number + 1))
      mkdir "$work/$number"
      place "$number" &
    done
  else
    echo "the server cannot be asked; trying again" >&2
  fi
  sleep "$INTERVAL_S"
done
stop
