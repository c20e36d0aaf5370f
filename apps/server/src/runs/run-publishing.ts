import { AppError, assert } from "@windshift/contract/app-error.ts";
import { runBranch } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Forge, OpenedPullRequest } from "./forge.ts";
import { branchRunOf, decideEnding, type Ending, type Run, wantsPullRequest } from "./run.ts";
import type { RunDefaults } from "./run-create.ts";
import { endRun } from "./run-end.ts";
import { lockRun } from "./run-fence.ts";
import { listFlags } from "./run-flags.ts";
import { addMessage } from "./run-messages.ts";
import { readRunNames } from "./run-names.ts";
import {
  linkPullRequest,
  listRepliesToResult,
  postResultComment,
  setItemInReview,
} from "./run-outcome-store.ts";
import { describePullRequest, describeResult } from "./run-outcome-text.ts";
import { findOutput } from "./run-output-store.ts";
import { listSteps, type PublishingStep, recordStep } from "./run-publishing-store.ts";

export interface PublishingPorts {
  database: Database;
  forge: Forge;
  defaults: RunDefaults;
  /** As people's browsers see the server. */
  baseUrl: string;
}

/** What the steps find out, handed from one to the next and found again after a crash. */
interface Findings {
  /** Undefined when there is no branch. */
  branch: { headOid: string; baseOid: string; commits: number } | undefined;
  pullRequest: OpenedPullRequest | undefined;
}

/**
 * Takes a run from its result to its end, step by step; each step is recorded when it is done and safe to repeat.
 * @throws whatever a step throws; the caller decides whether it is tried again
 */
export async function publishRun(ports: PublishingPorts, run: Run): Promise<void> {
  const { result } = run;
  assert(result !== null, `run ${run.id} is published without a result`);
  if (run.grants?.push === false) return finishTestRun(ports, run, result);
  const names = await readRunNames(ports.database.kysely, run);
  const findings: Findings = { branch: undefined, pullRequest: undefined };
  await step(ports, run, "verify_branch", async () => {
    findings.branch = await verifyBranch(ports, run);
  });
  await step(ports, run, "open_pull_request", async () => {
    const { branch } = findings;
    if (branch !== undefined && wantsPullRequest(result, branch.commits)) {
      findings.pullRequest = await ports.forge.openPullRequest({
        ...describePullRequest({
          run,
          names,
          result,
          baseUrl: ports.baseUrl,
          flags: await listFlags(ports.database.kysely, run.id),
        }),
        ...branchesOf(run),
        ...branch,
        runId: branchRunOf(run),
        workItemId: run.work_item_id,
      });
    }
  });
  await step(ports, run, "link_item", async () => {
    if (findings.pullRequest !== undefined) await linkPullRequest(ports.database, run, findings.pullRequest);
  });
  const commits = findings.branch?.commits ?? 0;
  const decided = decideEnding(result, commits, run.cancel_requested_at_ms !== null, run.budget_short);
  const ending = blameConnection(run, decided);
  await step(ports, run, "post_comment", async () => {
    const { pullRequest } = findings;
    const text = describeResult({ run, names, result, ending, commits, pullRequest, baseUrl: ports.baseUrl });
    await postResultComment(ports.database, run, text);
  });
  if (findings.pullRequest?.state === "open") await setItemInReview(ports.database, run);
  await finish(ports, run, ending);
}

/** A test run has delivered nothing: its patch is its result, and nobody but who looks at it is told. */
async function finishTestRun(ports: PublishingPorts, run: Run, result: AttemptResult): Promise<void> {
  const commits = (await findOutput(ports.database.kysely, run.id)) === undefined ? 0 : 1;
  const decided = decideEnding(result, commits, run.cancel_requested_at_ms !== null, run.budget_short);
  await finish(ports, run, blameConnection(run, decided));
}

/** Why git failed is known best by the host of the repository: a credential it refused is a person's to mend. */
function blameConnection(run: Run, ending: Ending): Ending {
  if (ending.reason !== "prepare_failed" && ending.reason !== "push_rejected") return ending;
  return run.refusal === null ? ending : { status: "failed", reason: "misconfigured", detail: run.refusal };
}

/** Ends a run whose steps cannot be done; what was pushed stays on its branch. */
export async function givePublishingUp(
  ports: PublishingPorts,
  run: Run,
  reason: "publish_failed" | "misconfigured",
  why: string,
): Promise<void> {
  await finish(ports, run, { status: "failed", reason, detail: why });
}

async function finish(ports: PublishingPorts, run: Run, ending: Ending): Promise<void> {
  await ports.database.transaction(async (tx) => {
    const locked = await lockRun(ports.database, tx, run.id);
    if (locked?.phase === "publishing" && locked.attempt === run.attempt) {
      if (ending.status === "waiting") await takeEarlyReplies(ports.database, tx, locked);
      await endRun(ports.database, tx, locked, ending, ports.defaults);
    }
  });
  await ports.database.signals.notify(`run:${run.id}`);
  await ports.database.signals.notify("queue");
}

/** Somebody may have replied to the question before the run was seen to wait: those comments are its answer too. */
async function takeEarlyReplies(database: Database, tx: Queries, run: Run): Promise<void> {
  for (const { author_id, body } of await listRepliesToResult(tx, run)) {
    await addMessage(database, tx, { run: run.id, author: author_id, kind: "steer", body });
  }
}

/** Every step runs again after a crash (that is how its findings come back); only its record is kept. */
async function step(
  ports: PublishingPorts,
  run: Run,
  name: PublishingStep,
  work: () => Promise<void>,
): Promise<void> {
  const before = (await listSteps(ports.database.kysely, run.id)).find((s) => s.step === name);
  const tries = before?.tries ?? 0;
  try {
    await work();
  } catch (error) {
    const detail = error instanceof AppError ? error.message : "internal error; the server log has the cause";
    await recordStep(ports.database, run.id, { step: name, status: "failed", tries: tries + 1, detail });
    throw error;
  }
  await recordStep(ports.database, run.id, { step: name, status: "done", tries, detail: null });
}

/** Looks at the branch itself: what a runner reports about it is not believed. A branch without commits is none. */
async function verifyBranch(ports: PublishingPorts, run: Run): Promise<Findings["branch"]> {
  const { repositoryId, sourceBranch, targetBranch } = branchesOf(run);
  const headOid = await ports.forge.readBranch(repositoryId, sourceBranch);
  if (headOid === null) {
    failIfDeleted(run, sourceBranch);
    return undefined;
  }
  const found = await ports.forge.compare(repositoryId, headOid, targetBranch);
  if (found === "unrelated") {
    throw new AppError(
      "conflict",
      `the branch ${sourceBranch} has no history in common with ${targetBranch}, or ${targetBranch} is gone; no pull request is opened for it`,
    );
  }
  if (found.commits === 0) return undefined;
  // What the branch of a pull request holds may be a person's: only what this run has pushed, now or before it waited, is its own.
  const fresh = run.branch_run_id === null || run.pushed_oid !== null || run.head_oid === headOid;
  // A run that went on with a pull request and added nothing to it has no commits of its own.
  if (!fresh) return undefined;
  await ports.database.kysely
    .updateTable("runs")
    .set({ head_oid: headOid, base_oid: found.baseOid })
    .where("id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .execute();
  return { headOid, ...found };
}

/** What the broker let through was there: a run whose work somebody deleted has not ended without changes. */
function failIfDeleted(run: Run, branch: string): void {
  const { pushed_oid: oid, result, cancel_requested_at_ms: canceled } = run;
  if (oid === null || result === null || canceled !== null || !wantsPullRequest(result, 1)) return;
  throw new AppError(
    "conflict",
    `the branch ${branch} was deleted after the run had pushed ${oid} to it; no pull request is opened for it. Restore the branch at that commit and publish the run again, or start a new run`,
  );
}

function branchesOf(run: Run) {
  assert(run.grants !== null, `run ${run.id} has a result but no grants`);
  const { repository_id: repositoryId, base_branch: targetBranch } = run.grants;
  return { repositoryId, sourceBranch: runBranch(branchRunOf(run)), targetBranch };
}
