#!/bin/sh
# Installs windshift-runner on this host: Debian with systemd, or Alpine with OpenRC. Needs root, docker and git.
#
#   export WSRUNNER_REGISTRATION_TOKEN=wsrt_…; curl -fsSL <this address> | sudo -E sh
#
# The programs come from the same server and are held to the checksums below. Options of install.sh follow `sh -s --`. Every
# setting of the runner (WSRUNNER_IMAGE, WSRUNNER_NAME, …) that the environment has goes into runner.env. Run it again to update.
set -eu

# What the server says of itself. @HEADER@

CONFIG=/etc/windshift-runner/runner.env
# A start that registers takes a second or two, s.
REGISTER_S_MAX=60

main() {
  [ "$(id -u)" = 0 ] || fail "this needs root: … | sudo -E sh"
  [ -z "$PROBLEM" ] || fail "$PROBLEM"
  api=${WS_API_URL:-$SERVER/api}
  check_transport
  find_target
  for program in windshift-runner windshift-triage; do checksum_of "$program" >/dev/null; done
  [ -e "$CONFIG" ] || find_token
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  trap 'exit 1' HUP INT TERM
  for program in windshift-runner windshift-triage; do fetch "$program"; done
  write_installer >"$dir/install.sh"
  export WS_API_URL="$api" WSRUNNER_IMAGE="${WSRUNNER_IMAGE:-$IMAGE}"
  # Its input is the rest of this script otherwise.
  sh "$dir/install.sh" --bin-dir "$dir" "$@" </dev/null
  start_fresh "$@"
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'runner-install.sh: %s\n' "$*" >&2
  exit 1
}

check_transport() {
  case $api in
    https://*) return 0 ;;
  esac
  [ "${WSRUNNER_ALLOW_INSECURE:-}" = 1 ] ||
    fail "$api is not https://, so the runner's credential could be read on its way. Have the server's BASE_URL start with https://; for development only: export WSRUNNER_ALLOW_INSECURE=1"
  export WSRUNNER_ALLOW_INSECURE
}

find_target() {
  case $(uname -m) in
    x86_64 | amd64) target=amd64 ;;
    aarch64 | arm64) target=arm64 ;;
    *) fail "there is no windshift-runner for $(uname -m); there is one for x86_64 and aarch64" ;;
  esac
  [ ! -e /etc/alpine-release ] || target=$target-musl
}

checksum_of() {
  sum=$(say "$CHECKSUMS" | sed -n "s|^$target/$1 ||p")
  [ -n "$sum" ] || fail "$SERVER has no $1 for $target to give. On the server, put the programs of its release into the folder that WINDSHIFT_RUNNER_PROGRAMS names ($target/$1), or install with install.sh of the release (docs/runners.md)"
  say "$sum"
}

# The environment has it, or the person at the terminal does: standard input is this script.
find_token() {
  [ -z "${WSRUNNER_CREDENTIAL:-}" ] || return 0
  if [ -z "${WSRUNNER_REGISTRATION_TOKEN:-}" ]; then
    # shellcheck disable=SC2217
    (: </dev/tty) 2>/dev/null ||
      fail "WSRUNNER_REGISTRATION_TOKEN is not set. An administrator mints one for a pool; then: export WSRUNNER_REGISTRATION_TOKEN=wsrt_… and sudo -E, which keeps it"
    printf 'Registration token (wsrt_…, not shown): ' >/dev/tty
    stty -echo </dev/tty
    IFS= read -r WSRUNNER_REGISTRATION_TOKEN </dev/tty || WSRUNNER_REGISTRATION_TOKEN=''
    stty echo </dev/tty
    printf '\n' >/dev/tty
  fi
  case $WSRUNNER_REGISTRATION_TOKEN in
    wsrt_*[!A-Za-z0-9_-]*) fail "a registration token has letters, digits, _ and - alone" ;;
    wsrt_?*) export WSRUNNER_REGISTRATION_TOKEN ;;
    *) fail "that is no registration token; one starts with wsrt_" ;;
  esac
}

fetch() {
  url=$api/runner-download/$1/$target
  say "Fetching $1 $VERSION for $target ..."
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL -o "$dir/$1" "$url" || fail "$url could not be fetched"
  else
    wget -q -O "$dir/$1" "$url" || fail "$url could not be fetched"
  fi
  say "$(checksum_of "$1")  $dir/$1" | sha256sum -c - >/dev/null 2>&1 ||
    fail "$1 is not the file the server described (its SHA-256 differs). If the server was just updated, run this again; nothing was installed"
  chmod 0755 "$dir/$1"
}

# A first installation is started and watched until it is registered; later ones are the person's to restart: that drains.
start_fresh() {
  for option in "$@"; do [ "$option" != --no-enable ] || return 0; done
  setting() { sed -n "s/^$1=//p" "$CONFIG" | tail -n 1; }
  cache=$(setting WSRUNNER_CACHE_ROOT)
  credential=$(setting WSRUNNER_CREDENTIAL_FILE)
  : "${credential:=${cache:-/var/lib/windshift-runner/cache}/credential}"
  if [ -e "$credential" ] || [ -z "$(setting WSRUNNER_IMAGE)" ]; then return 0; fi
  if [ -d /run/systemd/system ]; then
    systemctl start windshift-runner
    log='journalctl -u windshift-runner'
    recent() { journalctl --no-pager -q -n 5 -o cat -u windshift-runner; }
    failed() { systemctl is-failed -q windshift-runner; }
  elif command -v rc-service >/dev/null 2>&1; then
    rc-service --quiet windshift-runner start
    log='cat /var/log/windshift-runner.log'
    recent() { tail -n 5 /var/log/windshift-runner.log; }
    failed() { ! rc-service --quiet windshift-runner status >/dev/null 2>&1; }
  else
    return 0
  fi
  waited=0
  while [ "$waited" -lt "$REGISTER_S_MAX" ]; do
    if [ -s "$credential" ] || [ -n "$(setting WSRUNNER_CREDENTIAL)" ]; then
      say "Done: the runner is registered with $SERVER and waits for work. Its token is used up; it can be taken out of $CONFIG."
      return 0
    fi
    if failed; then break; fi
    sleep 1
    waited=$((waited + 1))
  done
  recent >&2
  fail "the runner is installed, but did not register; see above, and: $log"
}

write_installer() {
  cat <<'END_OF_INSTALLER'
@INSTALLER@
END_OF_INSTALLER
}

# Nothing happens before the last line is here: a download that was cut off does nothing.
main "$@"
