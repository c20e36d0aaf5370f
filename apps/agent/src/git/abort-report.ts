import { type GitPlace, readTree, treeGit } from "./git-tree.ts";

/** Time to find out what an abort leaves, ms. The tools take up to 2 s to end, and all must be over within the grace of 10 s. */
const LOOK_MS_MAX = 3_000;

/**
 * Says what becomes of the work of an aborted run. Never rejects, and answers in time whatever git does.
 * @param sinceMs start of the run, ms since 1970
 * @param committer email the run's commits carry
 */
export async function abortReport(place: GitPlace, sinceMs: number, committer: string): Promise<string> {
  const look = Promise.all([commitsSince(place, sinceMs, committer), filesChanged(place)]);
  const [commits, files] = await Promise.race([look, late()]);
  const kept =
    commits === undefined ? "commits made so far are kept" : `${counted(commits, "commit")} of this run kept`;
  const left = files === undefined ? "uncommitted changes were left uncommitted" : leftText(files);
  return `${kept}; ${left}`;
}

function leftText(files: number): string {
  return files === 0
    ? "nothing was left uncommitted"
    : `uncommitted changes were left in ${counted(files, "file")}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The date finds them without a look at the start of the run, which would cost a process; the committer tells them from a base made just before. */
async function commitsSince(
  place: GitPlace,
  sinceMs: number,
  committer: string,
): Promise<number | undefined> {
  const since = `--since=@${Math.floor(sinceMs / 1_000)}`;
  const args = ["rev-list", "--count", since, "--fixed-strings", `--committer=<${committer}>`, "HEAD", "--"];
  const { exitCode, stdout } = await treeGit(place, args, { timeoutMs: LOOK_MS_MAX });
  return exitCode === 0 && /^\d+$/.test(stdout.trim()) ? Number(stdout.trim()) : undefined;
}

async function filesChanged(place: GitPlace): Promise<number | undefined> {
  const tree = await readTree(place, LOOK_MS_MAX);
  return "entries" in tree ? tree.entries.length : undefined;
}

/** A killed git may still not be gone: a file system that hangs holds it. */
function late(): Promise<[undefined, undefined]> {
  return new Promise((resolve) => {
    setTimeout(() => resolve([undefined, undefined]), LOOK_MS_MAX + 500).unref();
  });
}
