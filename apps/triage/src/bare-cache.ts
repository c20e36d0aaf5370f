import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { PREPARE_MS_MAX } from "@windshift/contract/limits.ts";
import type { TriageRequest } from "@windshift/contract/triage.ts";
import { type Failed, failed, gitComplaint, talkFailed } from "./git-failure.ts";
import { flock, hostGit } from "./host-git.ts";
import type { TriageContext } from "./triage-context.ts";

type Prepare = Extract<TriageRequest, { op: "prepare" }>;

/**
 * Old mistakes that many histories carry and that harm nobody; all else git's checks find refuses the fetch.
 * Source: git-fsck(1), messages of the same names.
 */
const FORGIVEN = [
  "zeroPaddedFilemode",
  "badTimezone",
  "missingSpaceBeforeDate",
  "missingSpaceBeforeEmail",
].flatMap((id) => ["-c", `fetch.fsck.${id}=ignore`]);
/** Always keep a fetched pack as a pack: one file to copy instead of many. */
const FETCH_CONFIG = ["-c", "fetch.unpackLimit=1", "-c", "fetch.writeCommitGraph=false", ...FORGIVEN];

/**
 * Brings this host's bare copy of the repository up to the base branch, making the copy when there is none.
 * One fetch at a time per copy; the lock is the kernel's, so none is left behind by a process that was killed.
 * @returns `oid`: the commit of the base branch, or where the run's branch left it; `start`: the commit to start from
 */
export async function refreshCache(
  context: TriageContext,
  request: Prepare,
  tokenFile: string,
): Promise<Fetched | Failed> {
  const dir = request.cache_dir;
  await makeBare(dir);
  const ref = cacheRef(request.base_ref);
  const held = await findCurrent(request, ref);
  if (held !== undefined) return { kind: "fetched", oid: held, start: held };
  const refspecs = [`+refs/heads/${request.base_ref}:${ref}`];
  if (request.branch_oid !== null) refspecs.push(`+refs/heads/${request.branch}:${cacheRef(request.branch)}`);
  const args = [...FETCH_CONFIG, "fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
  const call = { cwd: dir, timeoutMs: PREPARE_MS_MAX, tokenFile, lockFile: `${dir}.lock` };
  let result = await hostGit(context, [...args, "--progress", "--", request.clone_url, ...refspecs], call);
  if (result.exitCode !== 0 && /\.lock': File exists/.test(result.stderr)) {
    await removeStaleLocks(context, dir);
    result = await hostGit(context, [...args, "--progress", "--", request.clone_url, ...refspecs], call);
  }
  if (result.exitCode === 0) return startFrom(context, request, await readRef(dir, ref));
  // The broker shows no other branches, so neither their names nor whether there are any can be told here.
  if (/couldn't find remote ref/.test(result.stderr))
    return failed(
      "prepare_failed",
      `The repository has no branch ${request.base_ref}. If it is empty, push a first commit to ${request.base_ref}; else set another base branch in the binding. Then rerun.`,
    );
  const said = gitComplaint(result, request.token);
  return talkFailed("prepare_failed", `The repository could not be fetched. ${said}`, result);
}

/** The base commit, when the copy is already where the server saw it a moment ago and need not be asked again. */
async function findCurrent(request: Prepare, ref: string): Promise<Oid | undefined> {
  if (request.base_oid === null || request.branch_oid !== null) return undefined;
  const held = await readRef(request.cache_dir, ref).catch(() => undefined);
  return held === request.base_oid ? held : undefined;
}

export interface Fetched {
  kind: "fetched";
  oid: Oid;
  start: Oid;
}

/** A run that has pushed goes on from its branch, if that is still what the server saw and has to do with the base. */
async function startFrom(context: TriageContext, request: Prepare, base: Oid): Promise<Fetched> {
  if (request.branch_oid === null) return { kind: "fetched", oid: base, start: base };
  const tip = await readRef(request.cache_dir, cacheRef(request.branch));
  const { stdout } = await hostGit(context, ["merge-base", "--end-of-options", tip, base], {
    cwd: request.cache_dir,
    timeoutMs: PREPARE_MS_MAX,
  });
  const fork = Oid.safeParse(stdout.trim());
  const usable = fork.success && tip === request.branch_oid;
  return usable
    ? { kind: "fetched", oid: fork.data, start: tip }
    : { kind: "fetched", oid: base, start: base };
}

/** An empty bare repository at `dir`, unless there is one. Does what `git init --bare` would, without templates. */
export async function makeBare(dir: string): Promise<void> {
  if (await Bun.file(join(dir, "HEAD")).exists()) return;
  await mkdir(join(dir, "objects", "pack"), { recursive: true });
  await mkdir(join(dir, "refs"), { recursive: true });
  // Whole or not at all, for another job may be doing the same; HEAD last, for with it the folder is a repository.
  await place(join(dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  await place(join(dir, "HEAD"), "ref: refs/heads/none\n");
}

async function place(path: string, content: string): Promise<void> {
  await writeFile(`${path}.${process.pid}`, content);
  await rename(`${path}.${process.pid}`, path);
}

/** Branches by hash, so that `a` and `a/b`, followed at different times, do not get in each other's way. */
function cacheRef(branch: string): string {
  return `refs/base/${createHash("sha256").update(branch).digest("hex").slice(0, 40)}`;
}

async function readRef(dir: string, ref: string): Promise<Oid> {
  return Oid.parse((await readFile(join(dir, ref), "utf8")).trim());
}

/** Lock files of a git that was killed. Every writer holds the host's lock, so while we hold it nobody owns them. */
async function removeStaleLocks(context: TriageContext, dir: string): Promise<void> {
  const names = await readdir(dir, { recursive: true });
  const stale = names.filter((name) => name.endsWith(".lock")).map((name) => join(dir, name));
  await exec([...flock(`${dir}.lock`), "rm", "-f", "--", ...stale], {
    env: { PATH: context.path },
    timeoutMs: PREPARE_MS_MAX,
    signal: context.signal,
  });
}
