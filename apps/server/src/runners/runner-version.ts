import { AppError } from "@windshift/contract/app-error.ts";

/**
 * The oldest windshift-runner that this server works with. Raise it when something a runner of that version sends or expects is
 * taken away; a runner of the release before must go on working, so that servers can be updated first.
 */
export const RUNNER_VERSION_MIN = "0.1.0";
/** What runs from source, of no release; it is for whoever works on it to know. */
const DEVELOPMENT = /^0\.0\.0-/;

/**
 * Refuses a runner that is too old, before anything is done for it: it ends with this sentence instead of failing later.
 * @throws AppError `forbidden`, which every version of the runner takes for its end
 */
export function requireVersion(version: string, least = RUNNER_VERSION_MIN): void {
  if (DEVELOPMENT.test(version) || !isOlder(version, least)) return;
  throw new AppError(
    "forbidden",
    `this is windshift-runner ${version}, and the server needs ${least} or newer: install the version of the server on this host and start it again; it keeps its registration`,
  );
}

/** What cannot be read as a version is not older: it is nothing we ever released. */
function isOlder(version: string, least: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(least)];
  if (a === undefined || b === undefined) return false;
  const at = a.findIndex((part, index) => part !== b[index]);
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0);
}

function numbersOf(version: string): number[] | undefined {
  return /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
}
