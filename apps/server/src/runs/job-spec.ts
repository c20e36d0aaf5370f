import { assert } from "@windshift/contract/app-error.ts";
import { type Attempt, runBranch } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import type { Queries } from "../db/database.ts";
import { findModelRow } from "../models/model-store.ts";
import { branchRunOf, type Run } from "./run.ts";
import { acknowledgeMessages, listMessages } from "./run-messages.ts";
import { buildPrompt } from "./run-prompt.ts";
import { createRunTokens } from "./run-tokens.ts";

/** Addresses a job is given. */
export interface JobAddresses {
  /** The server's API as a container sees it, ends in `/api`. */
  containerApiUrl: string;
  /** The server's API as the runner's git sees it, ends in `/api`. */
  runnerApiUrl: string;
}

/** A job but for what its branches point at, which is asked of git and so outside of any transaction. */
export type JobDraft = Omit<JobSpec, "repo"> & { repo: Omit<JobSpec["repo"], "base_oid" | "branch_oid"> };

/**
 * Drafts the job of a run that was just claimed: prompt, environment, addresses and fresh tokens. Runs in the claim's
 * transaction, so a claim without a job cannot exist.
 */
export async function draftJob(tx: Queries, run: Run, addresses: JobAddresses): Promise<JobDraft> {
  const { grants } = run;
  assert(grants !== null && run.attempt > 0, `run ${run.id} was claimed without grants`);
  const attempt = run.attempt as Attempt;
  const item = await tx
    .selectFrom("work_items")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .select(["work_items.id", "number", "title", "description", "workspaces.key"])
    .where("work_items.id", "=", run.work_item_id)
    .executeTakeFirstOrThrow();
  const itemKey = `${item.key}-${item.number}`;
  const asker = await tx
    .selectFrom("user")
    .select(["name", "email"])
    .where("id", "=", run.requested_by)
    .executeTakeFirst();
  const branch = runBranch(branchRunOf(run));
  return {
    run_id: run.id,
    attempt,
    lease_expires_at: new Date(run.lease_expires_at_ms ?? Date.now() + LEASE_MS).toISOString(),
    env: {
      LLM_BASE_URL: `${addresses.containerApiUrl}/llm-proxy`,
      LLM_MODEL: grants.model,
      LLM_STREAM: "1",
      ...((await takesPictures(tx, grants)) ? { LLM_IMAGES: "1" } : {}),
      WS_API_URL: addresses.containerApiUrl,
      WS_WORKSPACE_KEY: item.key,
      WINDSHIFT_ITEM_KEY: itemKey,
      WINDSHIFT_ITEM_ID: String(item.id),
      WINDSHIFT_REQUESTED_BY: oneLine(asker === undefined ? "unknown" : `${asker.name} <${asker.email}>`),
      AGENT_RUN_ID: String(run.id),
      AGENT_TURNS_MAX: String(grants.limits.turns),
      GIT_TERMINAL_PROMPT: "0",
    },
    initial_prompt: await promptOf(tx, run, itemKey, item, grants),
    image: grants.image,
    limits: grants.limits,
    repo: {
      clone_url: `${addresses.runnerApiUrl}/git-proxy/${run.id}/${grants.owner}/${grants.repo}.git`,
      cache_key: `w${run.workspace_id}-r${grants.repository_id}`,
      base_ref: grants.base_branch,
      branch,
    },
    tokens: await createRunTokens(tx, run.id, attempt),
  };
}

async function promptOf(
  tx: Queries,
  run: Run,
  itemKey: string,
  item: { title: string; description: string },
  grants: NonNullable<Run["grants"]>,
): Promise<string> {
  const comments = await tx
    .selectFrom("comments")
    .innerJoin("user", "user.id", "comments.author_id")
    .select(["user.name as author", "comments.body"])
    .where("work_item_id", "=", run.work_item_id)
    .orderBy("comments.id")
    .execute();
  const messages = await listMessages(tx, run.id);
  const ids = messages.map((message) => message.id);
  await acknowledgeMessages(tx, ids);
  const prompt = buildPrompt({
    itemKey,
    title: item.title,
    description: item.description,
    baseBranch: grants.base_branch,
    branch: runBranch(branchRunOf(run)),
    pullRequestUrl: await findPullRequestUrl(tx, run),
    instructions: grants.instructions,
    comments,
    messages,
  });
  await tx.updateTable("runs").set({ prompt }).where("id", "=", run.id).execute();
  return prompt;
}

/** As an admin says of the model. */
async function takesPictures(tx: Queries, grants: NonNullable<Run["grants"]>): Promise<boolean> {
  return (await findModelRow(tx, grants.llm_connection_id, grants.model))?.images === 1;
}

/** Page of the pull request that the run goes on with; undefined for a run with a branch of its own. */
async function findPullRequestUrl(tx: Queries, run: Run): Promise<string | undefined> {
  if (run.branch_run_id === null) return undefined;
  const row = await tx
    .selectFrom("pull_requests")
    .select("url")
    .where("run_id", "=", run.branch_run_id)
    .executeTakeFirst();
  return row?.url ?? undefined;
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, 200);
}
