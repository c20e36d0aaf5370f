#!/bin/sh
# verify-image.sh [IMAGE]: proves both halves of what the agent image promises: what is in it and what is not.
# Prints one line for each fact; exits 1 when one does not hold.
set -u
image=${1:-windshift/agent:local}
failed=0

fact() { # what it says, command that must succeed
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "ok   $what"
  else
    echo "FAIL $what"
    failed=1
  fi
}

# As a run has it: no network, read-only root, no capabilities, the image's own user.
inside() {
  docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp --tmpfs /home/agent:uid=1000,gid=1000 --entrypoint sh "$image" -c "$1"
}
absent() { inside "! command -v $1 && ! find / -xdev -name $1 ! -type d 2>/dev/null | grep -q ."; }
label() { [ "$(docker image inspect --format '{{index .Config.Labels "org.windshift.agent-contract"}}' "$image")" = v1 ]; }

if ! docker image inspect "$image" >/dev/null 2>&1; then
  echo "There is no image $image; build it with: make image" >&2
  exit 1
fi
for program in windshift-agent ws git envsubst bash; do
  fact "$program is found" inside "command -v $program"
done
fact "ws starts on a read-only root" inside "ws --version | grep -q '^ws '"
fact "the agent starts and refuses missing settings" inside "windshift-agent </dev/null; [ \$? = 2 ]"
fact "git commits on a read-only root" inside \
  "cd /tmp && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
fact "CA certificates are there" inside "test -s /etc/ssl/certs/ca-certificates.crt"
fact "the user is 1000:1000" inside "[ \$(id -u):\$(id -g) = 1000:1000 ]"
fact "the work directory is /workspace" inside "[ \$PWD = /workspace ]"
fact "the contract label is v1" label
for program in node npm npx python3 gcc cc; do
  fact "$program is not there" absent "$program"
done
exit $failed
