import { exec } from "@windshift/base/exec.ts";
import { AppError } from "@windshift/contract/app-error.ts";

/** Time for removing a folder, ms (SB-18). */
const REMOVE_MS_MAX = 120_000;

/**
 * Removes `dir` and all under it. `rm` works on open folders, one level at a time, so neither a link nor a path longer
 * than the system allows leads it astray (SB-17, SB-18). A folder that does not exist is no error.
 * @throws AppError `internal` saying what is left
 */
export async function removeTree(dir: string): Promise<void> {
  const result = await exec(["rm", "-rf", "--one-file-system", "--", dir], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" },
    timeoutMs: REMOVE_MS_MAX,
  });
  if (result.exitCode !== 0)
    throw new AppError("internal", `the folder ${dir} could not be removed: ${result.stderr.slice(0, 500)}`);
}
