import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { PREPARE_MS_MAX } from "@windshift/contract/limits.ts";
import { flock, hostGit } from "./host-git.ts";
import type { TriageContext } from "./triage-context.ts";

/** Words of git about a repository that lacks what its refs need, or holds what it cannot read; never those of the far end. */
const DAMAGE =
  /^(?!remote:).*(?:bad object refs\/|does not point to a valid|did not send all necessary objects|unable to read|failed to read object|is corrupt|is truncated|lost a packfile|packfile \S+ (?:cannot|does not)|index file \S+ (?:is|has)|missing (?:blob|tree|commit)|not a git repository|failed to unpack tree)/im;
/** Time for one look at the refs, ms. */
const LOOK_MS_MAX = 30_000;

/**
 * Whether a failure is to be blamed on this host's bare copy: git's words say so, a pack lost its other half, or a ref names
 * what is not there. To be asked after a failure only; a false yes costs one more fetch.
 * @param said what git said
 */
export async function looksDamaged(context: TriageContext, dir: string, said: string): Promise<boolean> {
  return DAMAGE.test(said) || (await halfPacks(dir)).length > 0 || (await hasDeadRef(context, dir));
}

/** Indexes without their pack. */
export async function halfPacks(dir: string): Promise<string[]> {
  const names = new Set(await readdir(join(dir, "objects", "pack")).catch(() => []));
  return [...names].filter((name) => name.endsWith(".idx") && !names.has(name.replace(/idx$/, "pack")));
}

/**
 * Removes all that is in the copy, so that the next fetch makes it anew. Waits for a git that writes to it; the lock file stays,
 * for others may be waiting for it.
 */
export async function discardCache(context: TriageContext, dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  if (names.length === 0) return;
  const paths = names.map((name) => join(dir, name));
  await exec([...flock(`${dir}.lock`), "rm", "-rf", "--", ...paths], {
    env: { PATH: context.path },
    timeoutMs: PREPARE_MS_MAX,
    signal: context.signal,
  });
}

/** The folder of a checkout that came to nothing, as it was: it stays, for a container may be bound to it. */
export async function emptyCheckout(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
}

async function hasDeadRef(context: TriageContext, dir: string): Promise<boolean> {
  const { stdout, exitCode } = await hostGit(context, ["for-each-ref", "--format=%(objectname)"], {
    cwd: dir,
    timeoutMs: LOOK_MS_MAX,
  }).catch(() => ({ stdout: "", exitCode: -1 }));
  if (exitCode !== 0) return true;
  const found = await hostGit(context, ["cat-file", "--batch-check"], {
    cwd: dir,
    timeoutMs: LOOK_MS_MAX,
    stdin: stdout,
  });
  return / missing$/m.test(found.stdout) || found.exitCode !== 0;
}
