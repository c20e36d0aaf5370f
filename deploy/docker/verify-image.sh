#!/bin/sh
# verify-image.sh [IMAGE]: proves both halves of what the agent image promises: what is in it and what is not.
# Prints one line for each fact; exits 1 when one does not hold.
set -u
image=${1:-windshift/agent:local}
docker=${CODING_AGENT_DOCKER_BINARY:-docker}
# What the image may add to its base, bytes. Source: docs/images.md.
added_bytes_max=130000000
# GIT_CONFIG_COUNT, which gives the agent's commits their hook, came with this one.
git_min=2.31
failed=0

if ! "$docker" image inspect "$image" >/dev/null 2>&1; then
  echo "There is no image $image; build it with: make image" >&2
  exit 1
fi

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
  "$docker" run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp --tmpfs /home/agent:uid=1000,gid=1000,mode=0700 --env HOME=/home/agent \
    --entrypoint sh "$image" -c "$1"
}
# Every program, and every file with a bit that gives rights, wherever they are: root looks, where the image's user may not.
listing=$("$docker" run --rm --network none --read-only --user 0:0 --entrypoint sh "$image" -c "
  find / -xdev -path '*bin/*' ! -type d -printf 'program %f\\n'
  find / -xdev -perm /6000 ! -type d -printf 'setid %p\\n'
  find /tmp /var/lib/apt/lists /var/cache/apt -xdev ! -type d -printf 'left %p\\n'
  dpkg-query --show --showformat 'package \${Package}\\n'
" 2>/dev/null)
listed() { printf '%s\n' "$listing" | grep -qE "^$1\$"; }
unlisted() { listed "program bash" && ! listed "$1"; } # without bash nothing was listed
# Also as python3, python3.11 and x86_64-linux-gnu-gcc-12.
absent() { unlisted "program ([a-z0-9_]+-linux-gnu-)?$(printf '%s' "$1" | sed 's/[+]/[+]/g')-?[0-9.]*"; }
inspect() { "$docker" image inspect --format "$2" "$1"; }
label() { [ "$(inspect "$image" '{{index .Config.Labels "org.windshift.agent-contract"}}')" = v1 ]; }
base=$(inspect "$image" '{{index .Config.Labels "org.windshift.base"}}')
based() { printf '%s\n' "$base" | grep -qE '^sha256:[0-9a-f]{64}$'; }
within_size() {
  based && added=$(($(inspect "$image" '{{.Size}}') - $(inspect "$base" '{{.Size}}'))) && [ "$added" -le "$added_bytes_max" ]
}

for program in windshift-agent ws git envsubst bash; do
  fact "$program is found" inside "command -v $program"
done
fact "ws starts on a read-only root" inside "ws --version | grep -q '^ws '"
fact "the agent starts and refuses missing settings" inside "windshift-agent </dev/null; [ \$? = 2 ]"
fact "git is $git_min or newer" inside \
  "printf '%s\n' $git_min \"\$(git --version | cut -d ' ' -f 3)\" | sort --version-sort --check"
fact "git commits on a read-only root" inside \
  "cd /tmp && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
fact "git speaks HTTPS" inside "/usr/lib/git-core/git-remote-https 2>&1 | grep -q usage"
fact "envsubst fills in a variable" inside "[ \"\$(echo 'a \$WORD' | WORD=b envsubst)\" = 'a b' ]"
fact "CA certificates are there" inside "grep -q BEGIN /etc/ssl/certs/ca-certificates.crt"
fact "the bill of materials is there" inside \
  "grep -q 'SPDX-2.3' /usr/local/share/windshift/sbom.spdx.json && grep -q 'pkg:deb/debian/git@' /usr/local/share/windshift/sbom.spdx.json"
fact "the commit hook is there" inside "test -x /usr/local/share/windshift/git-hooks/prepare-commit-msg"
fact "the user is 1000:1000" inside "[ \$(id -u):\$(id -g) = 1000:1000 ]"
fact "the root cannot be written to" inside "! touch /usr/x && ! touch /workspace/x"
fact "HOME and /tmp can be written to" inside "touch ~/x /tmp/x"
fact "the work directory is /workspace" inside "[ \$PWD = /workspace ]"
fact "the contract label is v1" label
fact "it names the base it was built on by its digest" based
fact "it adds no more than $added_bytes_max bytes to its base" within_size

for program in node nodejs npm npx bun deno python gcc g++ cc c++ clang tcc ld as make go rustc ruby php curl wget ssh nc sudo su; do
  fact "$program is not there" absent "$program"
done
# Debian's base holds perl-base: apt and debconf need it in images built on this one. There is no more perl than that.
fact "no perl but the base's own" unlisted "package (perl|perl-modules.*|libperl5.*)"
fact "no python" unlisted "package (lib)?python.*"
fact "no program is setuid or setgid" unlisted "setid .*"
fact "nothing is left of the build" unlisted "left .*"
exit $failed
