import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Oid } from "@windshift/contract/ids.ts";
import { PREPARE_MS_MAX } from "@windshift/contract/limits.ts";
import { halfPacks } from "./damaged-cache.ts";
import { type Failed, failed, gitComplaint } from "./git-failure.ts";
import { hostGit } from "./host-git.ts";
import { bringPacks } from "./object-copy.ts";
import type { TriageContext } from "./triage-context.ts";

/**
 * The agent's own configuration. No remote: what it commits is taken out as data. `checkStat` because the files change
 * their owner after git noted them, and a first `git status` should not read them all again.
 */
const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tcheckStat = minimal
[user]
\tname = windshift-agent
\temail = agent@windshift.local
`;

export interface CheckoutPlan {
  cacheDir: string;
  checkoutDir: string;
  branch: string;
  /** The commit it starts from. */
  start: Oid;
}

/**
 * Fills the empty folder with the files of the commit it starts from, on the run's branch, with objects of its own. Does what
 * `git clone --local --no-hardlinks` does with one git process. Neither submodules nor LFS files are followed.
 * @returns undefined, or why it could not be done
 */
export async function makeCheckout(context: TriageContext, plan: CheckoutPlan): Promise<Failed | undefined> {
  if ((await readdir(plan.checkoutDir)).length > 0)
    return failed("prepare_failed", `The folder for the checkout is not empty: ${plan.checkoutDir}`);
  const gitDir = join(plan.checkoutDir, ".git");
  const branchFile = join(gitDir, "refs", "heads", plan.branch);
  await mkdir(dirname(branchFile), { recursive: true });
  await Promise.all([
    writeFile(join(gitDir, "config"), CONFIG),
    writeFile(join(gitDir, "HEAD"), `ref: refs/heads/${plan.branch}\n`),
    writeFile(branchFile, `${plan.start}\n`),
    mkdir(join(gitDir, "objects"), { recursive: true }),
  ]);
  const half = await halfPacks(plan.cacheDir);
  if (half.length > 0)
    return failed("prepare_failed", `This host's copy of the repository lost a packfile: ${half[0]}`);
  const [result, vanished] = await Promise.all([
    writeFiles(context, plan, gitDir),
    bringPacks(plan.cacheDir, gitDir, "copy").then(() => undefined, missingFile),
  ]);
  if (vanished !== undefined)
    return failed("prepare_failed", `This host's copy of the repository lost a packfile: ${vanished}`);
  return result.exitCode === 0
    ? undefined
    : failed("prepare_failed", `The files could not be checked out. ${gitComplaint(result, "")}`);
}

/** Another job on this host may have thrown a damaged copy away meanwhile. */
function missingFile(error: unknown): string {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return path ?? "unknown";
  throw error;
}

/** The files are read from the host's copy, so that this and the copying of its packs go on side by side. */
function writeFiles(context: TriageContext, { cacheDir, checkoutDir, start }: CheckoutPlan, gitDir: string) {
  const place = [`--git-dir=${gitDir}`, `--work-tree=${checkoutDir}`];
  return hostGit(context, [...place, "read-tree", "--reset", "-u", "-v", start], {
    cwd: checkoutDir,
    timeoutMs: PREPARE_MS_MAX,
    extraEnv: { GIT_OBJECT_DIRECTORY: join(cacheDir, "objects") },
  });
}
