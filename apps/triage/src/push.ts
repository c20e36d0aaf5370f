import { rm } from "node:fs/promises";
import { PUSH_MS_MAX } from "@windshift/contract/limits.ts";
import type { TriageReply } from "@windshift/contract/triage.ts";
import { readChanges, readPatch } from "./changes.ts";
import { exportFailed, openClean, type Push } from "./clean-repository.ts";
import { type Chosen, chooseCommit } from "./commit-choice.ts";
import { gitComplaint, talkFailed } from "./git-failure.ts";
import { hostGit } from "./host-git.ts";
import { withTokenFile } from "./token-file.ts";
import type { TriageContext } from "./triage-context.ts";

/**
 * Delivers an agent's commits: reads the bundle into a clean repository, picks a commit, and pushes it by its id to the
 * run's branch through the broker. The branch is replaced only if it is what it was when the attempt was claimed. What is
 * asked for as a patch goes nowhere; commits that were not taken come back as one too. The clean repository is gone when this ends.
 */
export async function push(context: TriageContext, request: Push): Promise<TriageReply> {
  try {
    const heads = await openClean(context, request);
    if (heads.kind === "failed") return heads;
    const choice = await chooseCommit(context, request, heads);
    if (choice.kind !== "chosen") return choice;
    return request.deliver === "patch"
      ? await patched(context, request, choice)
      : await send(context, request, choice);
  } finally {
    await rm(request.clean_dir, { recursive: true, force: true });
  }
}

async function patched(
  context: TriageContext,
  request: Push,
  { oid, commits, flattened }: Chosen,
): Promise<TriageReply> {
  const range = { dir: request.clean_dir, base: request.base_oid, head: oid };
  const [changes, patch] = await Promise.all([readChanges(context, range), readPatch(context, range)]);
  if (patch === undefined) return exportFailed("git could not make a patch of them");
  return { kind: "patched", commits, flattened, changes, patch };
}

async function send(
  context: TriageContext,
  request: Push,
  { oid, commits, flattened }: Chosen,
): Promise<TriageReply> {
  const range = { dir: request.clean_dir, base: request.base_oid, head: oid };
  // Beside the push, which takes longer.
  const changes = readChanges(context, range);
  const ref = `refs/heads/${request.branch}`;
  const args = ["push", "--porcelain", "--progress", "--no-verify", "--no-signed", "--recurse-submodules=no"];
  const result = await withTokenFile(request, context.tempRoot, (tokenFile) =>
    hostGit(
      context,
      [
        ...args,
        `--force-with-lease=${ref}:${request.branch_oid ?? ""}`,
        "--",
        request.clone_url,
        `${oid}:${ref}`,
      ],
      { cwd: request.clean_dir, timeoutMs: PUSH_MS_MAX, tokenFile },
    ),
  );
  const counted = await changes;
  if (result.exitCode === 0) return { kind: "pushed", head_oid: oid, commits, flattened, changes: counted };
  const said = gitComplaint(result, request.token);
  const detail = `The branch ${request.branch} was not taken: ${meaning(said)}\n${said}`;
  const patch = await readPatch(context, range);
  return { ...talkFailed("push_rejected", detail, result), changes: counted, patch };
}

/** What git's answer means here, for a person who has not seen one before. */
function meaning(said: string): string {
  if (said.includes("(stale info)"))
    return "it is not what it was when this attempt began, so somebody else's commits were not overwritten.";
  if (/\b40[134]\b|not found/.test(said)) return "the server did not let this attempt push it.";
  return "the repository refused it.";
}
