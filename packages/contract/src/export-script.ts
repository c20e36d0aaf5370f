/** How EXPORT_SCRIPT ends. Any other exit code is a failed export. */
export const EXPORT_EXIT = { bundle: 0, nothing: 10, unusable: 11, not_released: 12 } as const;

/** The line on stdin that EXPORT_SCRIPT waits for. */
export const EXPORT_RELEASE = "export\n";

/**
 * Runs in the export container (no network, workspace read-only, working directory = the checkout) and prints a bundle of
 * `HEAD` and the run's branch, without what the base already has. POSIX sh: `sh -c EXPORT_SCRIPT export BASE_OID BRANCH`.
 * Before the line EXPORT_RELEASE it looks at nothing, so that its container can be started while the agent's still ends;
 * an end of input in its place ends it.
 * The checkout is hostile: what its configuration starts, starts here, where there is nothing to reach. Uncommitted
 * changes are not exported; a base that is gone from the checkout makes the bundle a whole one.
 */
export const EXPORT_SCRIPT = `
set -u
IFS= read -r word && [ "$word" = export ] || exit 12
base=$1
branch=refs/heads/$2
export GIT_OPTIONAL_LOCKS=0 GIT_NO_REPLACE_OBJECTS=1 GIT_TERMINAL_PROMPT=0 GIT_PAGER=cat
repo() {
  git -c safe.directory='*' -c core.hooksPath=/dev/null -c core.fsmonitor=false "$@"
}
is_commit() {
  repo cat-file -e "$1^{commit}" 2>/dev/null
}
repo rev-parse --git-dir >/dev/null || exit 11
set --
if is_commit HEAD; then set -- "$@" HEAD; fi
if is_commit "$branch"; then set -- "$@" "$branch"; fi
if [ $# -eq 0 ]; then exit 10; fi
if is_commit "$base"; then
  new=$(repo rev-list --max-count=1 "$@" --not "$base" --) || exit 11
  if [ -z "$new" ]; then exit 10; fi
  set -- "$@" "^$base"
fi
repo bundle create --quiet --version=2 - "$@" || exit 11
`;
