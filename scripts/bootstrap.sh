# Gets from "Node and npm are here" to "Bun runs": installs the dependencies when they are missing or older than the
# lock file, then sets BUN to the path of a Bun that starts. Sourced, from the root of the repository, by the POSIX
# shell scripts that people start (demo.sh, test.sh) and by .ci/run. Prints progress on stderr; exits 1 with what to do.

bootstrap_fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

bootstrap_node() {
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
    bootstrap_fail "Node.js 20 or newer and npm are needed and were not found." \
      "Install them from https://nodejs.org or with your package manager, then run this again."
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] ||
    bootstrap_fail "Node.js 20 or newer is needed; this is $(node --version). Install a newer one, then run this again."
}

# npm writes node_modules/.package-lock.json last, so a newer lock file, or none of it, means an old or broken install.
bootstrap_dependencies() {
  if [ -f node_modules/.package-lock.json ] &&
    [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
    return 0
  fi
  echo "Installing the dependencies (npm ci) ..." >&2
  npm ci --no-audit --no-fund >&2 || bootstrap_fail "npm ci failed; its message is above."
}

# npm 11 and later may refuse to run the install script that puts Bun in place. It is then run here, and when that does
# not help either, the executable is taken straight from the platform's package.
bootstrap_bun() {
  BUN="$PWD/node_modules/.bin/bun"
  "$BUN" --version >/dev/null 2>&1 && return 0
  node node_modules/bun/install.js >/dev/null 2>&1
  "$BUN" --version >/dev/null 2>&1 && return 0
  for BUN in "$PWD"/node_modules/@oven/bun-linux-*/bin/bun "$PWD"/node_modules/@oven/bun-darwin-*/bin/bun; do
    [ -f "$BUN" ] || continue
    [ -x "$BUN" ] || chmod +x "$BUN"
    "$BUN" --version >/dev/null 2>&1 && return 0
  done
  bootstrap_fail "Bun does not start on this machine ($(uname -s) $(uname -m))." \
    "Remove node_modules and run this again; if it stays, 'npm ci --allow-scripts' lets Bun install itself."
}

bootstrap_node
bootstrap_dependencies
bootstrap_bun
# `bun` and the other tools of the project, for every program started from here.
PATH="$(dirname "$BUN"):$PWD/node_modules/.bin:$PATH"
export BUN PATH
