/**
 * The first release of each line with the fixes of July 2025 (CVE-2025-48384 among them). Distributions patch older
 * ones, Debian 12's 2.39.5 for example, so an older number is a warning and no refusal. Source: SECURITY HG-18.
 */
const FLOOR = [
  [2, 43, 7],
  [2, 44, 4],
  [2, 45, 4],
  [2, 46, 4],
  [2, 47, 3],
  [2, 48, 2],
  [2, 49, 1],
  [2, 50, 1],
] as const;

/**
 * @param version what `git --version` prints
 * @returns a warning for a person, or undefined when this git is new enough
 */
export function gitFloorWarning(version: string): string | undefined {
  const [, major, minor, patch] = (/(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []).map(Number);
  if (major === undefined || minor === undefined)
    return `the version of git is not clear from "${version.trim()}"`;
  const line = FLOOR.find(([a, b]) => a === major && b === minor);
  const [, lastMinor] = FLOOR[FLOOR.length - 1] ?? [0, 0];
  const fixed =
    line === undefined ? major > 2 || (major === 2 && minor > lastMinor) : (patch || 0) >= line[2];
  if (fixed) return undefined;
  return `git ${major}.${minor}.${patch || 0} is older than the releases with the fixes of July 2025 (${FLOOR.map((v) => v.join(".")).join(", ")}); use a newer one, or make sure that your distribution has patched it`;
}
