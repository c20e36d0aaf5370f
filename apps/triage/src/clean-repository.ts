import { lstat } from "node:fs/promises";
import type { Oid } from "@windshift/contract/ids.ts";
import { BUNDLE_BYTES_MAX, PUSH_MS_MAX } from "@windshift/contract/limits.ts";
import type { TriageRequest } from "@windshift/contract/triage.ts";
import { makeBare } from "./bare-cache.ts";
import { readBundleHeader } from "./bundle-header.ts";
import { fileTail } from "./file-tail.ts";
import { type Failed, failed, gitComplaint } from "./git-failure.ts";
import { hostGit } from "./host-git.ts";
import { bringPacks } from "./object-copy.ts";
import type { TriageContext } from "./triage-context.ts";

export type Push = Extract<TriageRequest, { op: "push" }>;

/** Objects one run may bring: ten times what a thousand commits of this size of change would. */
export const EXPORT_OBJECTS_MAX = 500_000;

export interface AgentHeads {
  kind: "heads";
  head: Oid | undefined;
  branch: Oid | undefined;
}

/**
 * Makes the repository in which the agent's commits are looked at: what this host fetched itself, and the objects of the
 * bundle, each checked. Nothing in it was written by the agent but objects; of the bundle's refs only `HEAD` and the
 * run's branch are believed.
 */
export async function openClean(context: TriageContext, request: Push): Promise<AgentHeads | Failed> {
  const file = await lstat(request.bundle_file);
  if (!file.isFile() || file.size > BUNDLE_BYTES_MAX)
    return exportFailed(`their bundle is larger than ${BUNDLE_BYTES_MAX} bytes`);
  const header = await readBundleHeader(request.bundle_file);
  if (header === undefined) return exportFailed("what came out of the container is not a git bundle");
  if (header.objects > EXPORT_OBJECTS_MAX)
    return exportFailed(`they hold ${header.objects} objects, more than ${EXPORT_OBJECTS_MAX}`);
  await makeBare(request.clean_dir);
  await bringPacks(request.cache_dir, request.clean_dir, "link");
  const pack = await fileTail(request.bundle_file, header.packOffset);
  const taken = await hostGit(
    context,
    ["index-pack", "--stdin", "--fix-thin", "--strict", `--max-input-size=${BUNDLE_BYTES_MAX}`],
    { cwd: request.clean_dir, timeoutMs: PUSH_MS_MAX, stdin: pack },
  );
  if (taken.exitCode !== 0) return exportFailed(gitComplaint(taken, request.token));
  return {
    kind: "heads",
    head: header.heads.get("HEAD"),
    branch: header.heads.get(`refs/heads/${request.branch}`),
  };
}

/** The failure of a run whose commits could not be taken out of its checkout. */
export function exportFailed(why: string): Failed {
  return failed("export_failed", `The agent's commits could not be taken: ${why}`);
}
