#!/bin/sh
# install.sh --bin-dir DIR [--prefix DIR] [--cache-dir DIR] [--user NAME] [--no-enable]
#
# Installs windshift-runner as a service of this host: the programs, a user, its folders, the service and
# /etc/windshift-runner/runner.env. Run it again to update: programs and service are replaced, runner.env never.
# What runner.env is made with is taken from the environment (WS_API_URL, WSRUNNER_…); a secret is never an argument.
# systemd; OpenRC where there is no systemd. Needs root, docker (or another engine, see WSRUNNER_DOCKER) and git.
set -eu

CONFIG_DIR=/etc/windshift-runner
CONFIG=$CONFIG_DIR/runner.env
HOME_DIR=/var/lib/windshift-runner
UNIT=/etc/systemd/system/windshift-runner.service
OPENRC=/etc/init.d/windshift-runner
PROGRAMS="windshift-runner windshift-triage"
# Beyond the drain: the last report, and the removal of containers and folders, s.
STOP_MARGIN_S=120

main() {
  bin_dir='' prefix='' cache_dir='' user='' enable=1
  read_options "$@"
  [ "$(id -u)" = 0 ] || fail "this needs root; run it with sudo"
  settle_defaults
  check_paths
  check_host
  install_programs
  make_user
  make_folders
  write_config
  write_service
  say_next
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
usage() {
  [ $# = 0 ] || printf 'install.sh: %s\n' "$*" >&2
  say 'usage: install.sh --bin-dir DIR [--prefix DIR] [--cache-dir DIR] [--user NAME] [--no-enable]' >&2
  exit 2
}

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --bin-dir | --prefix | --cache-dir | --user)
        [ $# -ge 2 ] && [ -n "$2" ] || usage "$1 needs a value"
        case $1 in
          --bin-dir) bin_dir=$2 ;;
          --prefix) prefix=$2 ;;
          --cache-dir) cache_dir=$2 ;;
          --user) user=$2 ;;
        esac
        shift 2
        ;;
      --no-enable)
        enable=0
        shift
        ;;
      *) usage "there is no option $1" ;;
    esac
  done
  [ -n "$bin_dir" ] || usage "say where the programs are: --bin-dir DIR"
}

# What was chosen when this host was installed first stays, unless an option says otherwise.
settle_defaults() {
  kept_cache=$(kept WSRUNNER_CACHE_ROOT)
  if [ -n "$kept_cache" ] && [ -n "$cache_dir" ] && [ "$kept_cache" != "$cache_dir" ]; then
    fail "--cache-dir is $cache_dir, but $CONFIG says WSRUNNER_CACHE_ROOT=$kept_cache; change it there, or leave the option out"
  fi
  : "${cache_dir:=${kept_cache:-}}"
  [ -n "$cache_dir" ] || [ -f "$CONFIG" ] || cache_dir=${WSRUNNER_CACHE_ROOT:-}
  : "${cache_dir:=$HOME_DIR/cache}"
  : "${user:=$(from_service 's/^User=//p' 's/^command_user="\(.*\)"$/\1/p')}"
  : "${user:=windshift-runner}"
  : "${prefix:=$(from_service 's|^ExecStart=\(.*\)/bin/windshift-runner$|\1|p' 's|^command="\(.*\)/bin/windshift-runner"$|\1|p')}"
  : "${prefix:=/usr/local}"
  docker=$(kept WSRUNNER_DOCKER)
  : "${docker:=${WSRUNNER_DOCKER:-docker}}"
  drain=$(kept WSRUNNER_DRAIN_TIMEOUT)
  [ -n "$drain" ] || [ -f "$CONFIG" ] || drain=${WSRUNNER_DRAIN_TIMEOUT:-}
  : "${drain:=1h}"
}

# kept NAME: its value in runner.env, if that is there.
kept() {
  [ -f "$CONFIG" ] || return 0
  sed -n "s/^$1=//p" "$CONFIG" | tail -n 1 | sed 's/^"\(.*\)"$/\1/'
}

# from_service SYSTEMD OPENRC: what the sed script finds in the service that is installed.
from_service() {
  if [ -f "$UNIT" ]; then sed -n "$1" "$UNIT"; elif [ -f "$OPENRC" ]; then sed -n "$2" "$OPENRC"; fi | head -n 1
}

# They are written into the service, whose words are split at spaces.
check_paths() {
  for path in "$prefix" "$cache_dir"; do
    case $path in
      /*) ;;
      *) fail "$path is not an absolute path" ;;
    esac
    case $path in
      / | *[!A-Za-z0-9_./+@-]*) fail "the path $path cannot be used; choose one of letters, digits and _ . / + @ -" ;;
    esac
  done
  case $user in
    -* | *[!a-z0-9_-]*) fail "$user is not a name for a user; choose one of lower-case letters, digits, _ and -" ;;
  esac
  case $drain in
    *[!0-9dhms]* | [!0-9]* | *[0-9]) fail "WSRUNNER_DRAIN_TIMEOUT is $drain in $CONFIG; write a duration such as 30m or 1h" ;;
  esac
}

check_host() {
  for program in $PROGRAMS; do
    [ -f "$bin_dir/$program" ] ||
      fail "$program is not in $bin_dir; --bin-dir names the folder of a release that holds $PROGRAMS"
  done
  check_sums
  command -v "$docker" >/dev/null 2>&1 ||
    fail "there is no $docker on this host. Install Docker (Debian: apt-get install docker.io; Alpine: apk add docker), or name another engine's program in WSRUNNER_DOCKER"
  command -v git >/dev/null 2>&1 ||
    fail "there is no git on this host. Install it (Debian: apt-get install git; Alpine: apk add git)"
  # Busybox's own has no long options.
  flock --version 2>/dev/null | grep -q util-linux ||
    fail "there is no flock of util-linux on this host. Install it (Debian: apt-get install util-linux; Alpine: apk add flock)"
  group=$(engine_group)
  if [ "$user" != root ] && ! in_file "$group" /etc/group; then
    fail "there is no group $group, through which the user $user would reach the engine. Install Docker; for an engine whose socket only root may use (rootful Podman), add --user root"
  fi
}

# A release has the checksums of its programs beside them; what was cut off or changed on the way is not installed.
check_sums() {
  [ -f "$bin_dir/SHA256SUMS" ] || return 0
  for program in $PROGRAMS; do
    sum=$(sed -n "s/^\([0-9a-f]\{64\}\)  $program\$/\1/p" "$bin_dir/SHA256SUMS")
    [ -n "$sum" ] || fail "$bin_dir/SHA256SUMS has no checksum of $program; unpack the release again"
    say "$sum  $bin_dir/$program" | sha256sum -c - >/dev/null 2>&1 ||
      fail "$bin_dir/$program is not what $bin_dir/SHA256SUMS says; download and unpack the release again"
  done
}

# The group that may use the engine's socket.
engine_group() {
  owner=$(stat -Lc %G /var/run/docker.sock 2>/dev/null || echo docker)
  case $owner in
    root | UNKNOWN | '') echo docker ;;
    *) echo "$owner" ;;
  esac
}

# in_file NAME FILE: whether a file such as /etc/group has a line of that name.
in_file() { grep -q "^$1:" "$2"; }

# In one step each: an executable that is running cannot be written to.
install_programs() {
  mkdir -p "$prefix/bin"
  changed=0
  for program in $PROGRAMS; do
    to=$prefix/bin/$program
    if cmp -s "$bin_dir/$program" "$to"; then continue; fi
    rm -f "$to.new"
    cp "$bin_dir/$program" "$to.new"
    chown root:root "$to.new"
    chmod 0755 "$to.new"
    case $program in
      windshift-runner)
        "$to.new" --version >/dev/null 2>&1 || {
          rm -f "$to.new"
          fail "$bin_dir/$program does not run on this host ($(uname -m)). Take the programs for its architecture and C library (on Alpine the ones for musl, and: apk add libstdc++)"
        }
        ;;
    esac
    mv -f "$to.new" "$to"
    changed=1
  done
}

make_user() {
  [ "$user" != root ] || return 0
  if ! in_file "$user" /etc/passwd && ! id "$user" >/dev/null 2>&1; then
    if command -v useradd >/dev/null 2>&1; then
      useradd --system --user-group --no-create-home --home-dir "$HOME_DIR" --shell /usr/sbin/nologin "$user"
    else
      in_file "$user" /etc/group || addgroup -S "$user"
      adduser -S -D -H -h "$HOME_DIR" -s /sbin/nologin -G "$user" "$user"
    fi
  fi
  case " $(id -nG "$user") " in
    *" $group "*) ;;
    *) if command -v usermod >/dev/null 2>&1; then usermod -aG "$group" "$user"; else addgroup "$user" "$group"; fi ;;
  esac
}

# Only the folders themselves: what is in them belongs to whom the runner gave it.
make_folders() {
  for dir in "$HOME_DIR" "$cache_dir"; do
    mkdir -p "$dir"
    chown "$user" "$dir"
    chmod 0711 "$dir"
  done
}

write_config() {
  mkdir -p "$CONFIG_DIR"
  chmod 0755 "$CONFIG_DIR"
  fresh=0
  if [ -e "$CONFIG" ]; then
    chmod 0600 "$CONFIG"
    return 0
  fi
  WSRUNNER_CACHE_ROOT=''
  [ "$cache_dir" = "$HOME_DIR/cache" ] || WSRUNNER_CACHE_ROOT=$cache_dir
  # Private from its first byte on, and whole when it has its name.
  rm -f "$CONFIG.new"
  (
    umask 077
    config_text >"$CONFIG.new"
  ) || {
    rm -f "$CONFIG.new"
    exit 1
  }
  mv "$CONFIG.new" "$CONFIG"
  fresh=1
}

# The template, with a value for each setting that the environment has. Only names of the template are looked at.
config_text() {
  settings_template | while IFS= read -r line; do
    case $line in
      '#WSRUNNER_INITIAL_PROMPT=') value='' ;;
      '#WS_API_URL=' | '#WSRUNNER_'*=)
        name=${line#?}
        name=${name%=}
        eval "value=\${$name:-}"
        ;;
      *) value='' ;;
    esac
    case $value in
      '') say "$line" ;;
      *[!A-Za-z0-9_.,:/@+=~%\[\]-]*)
        fail "$name holds a character that does not belong there; leave it unset here and write it into $CONFIG"
        ;;
      *) say "$name=$value" ;;
    esac
  done
}

write_service() {
  service=none
  if [ -d /run/systemd/system ] || command -v systemctl >/dev/null 2>&1; then
    service=systemd
    mkdir -p "${UNIT%/*}"
    replace "$UNIT" 0644 systemd_unit
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    [ $enable = 0 ] || systemctl enable --quiet windshift-runner.service
  elif command -v openrc-run >/dev/null 2>&1 || [ -x /sbin/openrc-run ]; then
    service=openrc
    replace "$OPENRC" 0755 openrc_script
    [ $enable = 0 ] || rc-update --quiet add windshift-runner default
  fi
}

# replace FILE MODE COMMAND: writes what the command prints, in one step.
replace() {
  "$3" >"$1.new"
  chmod "$2" "$1.new"
  mv -f "$1.new" "$1"
}

systemd_unit() {
  cat <<END
# Written by install.sh, which replaces it when it is run again. For changes of your own: systemctl edit windshift-runner
[Unit]
Description=Windshift runner: claims runs of a pool and does them in containers on this host
Wants=network-online.target
After=network-online.target docker.service podman.socket

[Service]
Type=exec
User=$user
WorkingDirectory=$HOME_DIR
# Read by systemd, as root: the file is nobody else's to read.
EnvironmentFile=$CONFIG
ExecStart=$prefix/bin/windshift-runner

Restart=on-failure
RestartSec=5
# A wrong setting (2), a credential that is not valid (4) and a second host with the same credential (6) stay so until
# somebody changes something.
RestartPreventExitStatus=2 4 6

# SIGTERM drains: no more work is taken, what runs comes to its end. So it goes to the runner alone, and the time is
# WSRUNNER_DRAIN_TIMEOUT and two minutes; when you change that setting, run install.sh again.
KillMode=mixed
TimeoutStopSec=$drain ${STOP_MARGIN_S}s

# Being allowed to call the engine is being root on this host; all else is taken away.
NoNewPrivileges=yes
CapabilityBoundingSet=$(capabilities)
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=$HOME_DIR$([ "${cache_dir#"$HOME_DIR"/}" != "$cache_dir" ] || printf ' %s' "$cache_dir")
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
END
}

# Root gives checkouts to the agents' user and clears them away itself; another user has small containers do it.
capabilities() { [ "$user" != root ] || printf 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER'; }

openrc_script() {
  cat <<END
#!/sbin/openrc-run
# Written by install.sh, which replaces it when it is run again.
name="Windshift runner"
description="Claims runs of a pool and does them in containers on this host"
command="$prefix/bin/windshift-runner"
command_user="$user"
directory="$HOME_DIR"
supervisor=supervise-daemon
output_log=/var/log/windshift-runner.log
error_log=/var/log/windshift-runner.log
# A wrong setting stays wrong: it is tried a few times, then left.
respawn_delay=5
respawn_max=5
respawn_period=300
# SIGTERM drains; the time is WSRUNNER_DRAIN_TIMEOUT and two minutes.
retry="SIGTERM/$(($(seconds "$drain") + STOP_MARGIN_S))/SIGKILL/10"

depend() {
  need net
  use docker dns
  after firewall
}

start_pre() {
  checkpath --file --mode 0640 --owner "$user" /var/log/windshift-runner.log || return 1
  # Line by line, as systemd reads it: nothing in it is run.
  while IFS= read -r line; do
    case \$line in
      [A-Z]*=*) export "\${line?}" ;;
    esac
  done <$CONFIG
  export HOME=$HOME_DIR
}
END
}

# seconds DURATION: of 30s, 5m, 1h or 1h30m.
seconds() {
  rest=$1 total=0
  while [ -n "$rest" ]; do
    number=${rest%%[dhms]*}
    rest=${rest#"$number"}
    case $rest in
      ms*) rest=${rest#ms} number=0 factor=1 ;;
      d*) rest=${rest#d} factor=86400 ;;
      h*) rest=${rest#h} factor=3600 ;;
      m*) rest=${rest#m} factor=60 ;;
      *) rest=${rest#s} factor=1 ;;
    esac
    total=$((total + number * factor))
  done
  echo "$total"
}

say_next() {
  say "Installed $("$prefix/bin/windshift-runner" --version) in $prefix/bin."
  missing=''
  for name in WS_API_URL WSRUNNER_IMAGE; do
    [ -n "$(kept $name)" ] || missing="$missing $name"
  done
  if [ -z "$(kept WSRUNNER_REGISTRATION_TOKEN)$(kept WSRUNNER_REGISTRATION_TOKEN_FILE)$(kept WSRUNNER_CREDENTIAL)" ] &&
    [ ! -f "$cache_dir/credential" ]; then
    missing="$missing WSRUNNER_REGISTRATION_TOKEN"
  fi
  if [ -n "$missing" ]; then
    say "Next, as root: set$missing in $CONFIG"
  else
    say "The settings are in $CONFIG."
  fi
  say "Then fetch the agent image and create the network of the agents, unless they are there:"
  image=$(kept WSRUNNER_IMAGE)
  network=$(kept WSRUNNER_NETWORK)
  say "  $docker pull ${image:-IMAGE}"
  say "  $docker network create ${network:-coding-agent-egress}"
  act=start
  [ $fresh = 1 ] || [ $changed = 0 ] || act=restart
  case $service in
    systemd)
      say "  systemctl $act windshift-runner"
      say "  journalctl -u windshift-runner -f"
      ;;
    openrc)
      say "  rc-service windshift-runner $act"
      say "  tail -f /var/log/windshift-runner.log"
      ;;
    *)
      say "This host has neither systemd nor OpenRC: have your own service manager start, as $user and with the variables of"
      say "$CONFIG, $prefix/bin/windshift-runner"
      ;;
  esac
}

# generated: the settings of windshift-runner (npm run fix)
settings_template() {
  cat <<'END_OF_SETTINGS'
# Settings of windshift-runner: NAME=value, without quotes. After a change: systemctl restart windshift-runner
# It is read when the service starts, and written once: install.sh never changes it.

# The server's API as this host and its containers reach it: https://…/api. Default: required.
#WS_API_URL=

# One-time token wsrt_… of a pool. It is exchanged for a credential, which is kept; afterwards it can be taken away. Or
# the name of a file that holds it, in WSRUNNER_REGISTRATION_TOKEN_FILE. Default: unset; needed for the first start.
#WSRUNNER_REGISTRATION_TOKEN=

# A credential wsrc_… to use instead of one that is kept in a file. Default: unset.
#WSRUNNER_CREDENTIAL=

# Where the credential is kept, mode 0600. Default: <cache>/credential.
#WSRUNNER_CREDENTIAL_FILE=

# Agent image. Default: required.
#WSRUNNER_IMAGE=

# Name under which people see this runner. Default: the host's name.
#WSRUNNER_NAME=

# Docker-compatible command line to call. Default: docker.
#WSRUNNER_DOCKER=

# Program that does the git work of runs on this host. Default: windshift-triage beside this program, else on the PATH.
#WSRUNNER_TRIAGE_BIN=

# Folder of bare clones, the per-run checkouts beside them, the spool and the credential. With the runner in a container
# it must be mounted at the same path. Default: /var/lib/windshift-runner/cache.
#WSRUNNER_CACHE_ROOT=

# What all bare clones in the cache may take together: beyond it the longest unused go. One that a run uses stays.
# Default: 20g.
#WSRUNNER_CACHE_SIZE=

# A bare clone that no run used for so long is removed. Default: 30d.
#WSRUNNER_CACHE_AGE=

# What one checkout may grow to on the disk. A run that passes it is ended with the reason disk; what it committed is
# pushed. Default: 20g.
#WSRUNNER_WORKSPACE_SIZE=

# Pause between claims where the server cannot keep one waiting. Default: 2s.
#WSRUNNER_POLL_INTERVAL=

# Time between renewals of the lease of what runs. Default: 30s.
#WSRUNNER_HEARTBEAT_INTERVAL=

# Emergency fallback for a server that sends no prompt. Default: unset: the server's.
#WSRUNNER_INITIAL_PROMPT=

# 1 permits an http:// address, for development. Default: unset.
#WSRUNNER_ALLOW_INSECURE=

# Runs at once. Default: 1.
#WSRUNNER_CAPACITY=

# Images, separated by commas, that bindings may name instead of WSRUNNER_IMAGE; it always is allowed. Default: none.
#WSRUNNER_ALLOWED_IMAGES=

# Network of agent containers. Create it with docker network create coding-agent-egress; bridge is the open alternative.
# Default: coding-agent-egress.
#WSRUNNER_NETWORK=

# Processes per container. Default: 512.
#WSRUNNER_PIDS_LIMIT=

# Memory per container; there is no swap beside it. Default: 4g.
#WSRUNNER_MEMORY=

# Processor time per container. Default: 2.
#WSRUNNER_CPUS=

# Container runtime, such as runsc (gVisor). Default: unset: the engine's own.
#WSRUNNER_RUNTIME=

# 1 does one job, then exits. Default: unset.
#WSRUNNER_ONCE=

# What this host can do, separated by commas, such as gpu,arm64: a binding may ask for it. Default: none.
#WSRUNNER_LABELS=

# Receiver of traces (OTLP over HTTP, JSON), such as an OpenTelemetry collector: one trace for each run, from its
# assignment to its pull request. See telemetry.md. Default: unset: no traces.
#OTEL_EXPORTER_OTLP_ENDPOINT=

# Headers of every request to the receiver: name=value, separated by commas. Or the name of a file that holds it, in
# OTEL_EXPORTER_OTLP_HEADERS_FILE. Default: none.
#OTEL_EXPORTER_OTLP_HEADERS=

# Port of /metrics and /healthz; 0 takes a free one. Default: unset: none.
#WSRUNNER_METRICS_PORT=

# Address they listen on. They ask for no password: 0.0.0.0, which a runner in a container needs, belongs on a network
# that only the monitoring reaches. Default: 127.0.0.1.
#WSRUNNER_METRICS_HOST=

# How long the first SIGTERM lets what runs come to its end; then it is cut off, and queued again. Default: 1h.
#WSRUNNER_DRAIN_TIMEOUT=

# unsandboxed starts agents as plain processes with this runner's own rights: for trusted work and development only;
# needs WSRUNNER_ALLOW_UNSANDBOXED=1. Default: container.
#WSRUNNER_SANDBOX=

# 1 permits WSRUNNER_SANDBOX=unsandboxed. Default: unset.
#WSRUNNER_ALLOW_UNSANDBOXED=

# Least severe log lines that are written, as JSON on standard output. Default: info.
#WSRUNNER_LOG_LEVEL=
END_OF_SETTINGS
}
# /generated

# Nothing happens before the last line is read: a file that was cut off does nothing.
main "$@"
