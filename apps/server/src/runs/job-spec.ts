import type { PromptNote } from "@windshift/contract/api/run.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { type Attempt, runBranch } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { LEASE_MS } from "@windshift/contract/limits.ts";
import type { Queries } from "../db/database.ts";
import { ClaimFault } from "./claim-fault.ts";
import { type JobSources, readSources } from "./job-sources.ts";
import { branchRunOf, type Run } from "./run.ts";
import { beginAttempts } from "./run-attempts.ts";
import { acknowledgeMessages } from "./run-messages.ts";
import { buildPrompt } from "./run-prompt.ts";
import { createTokensOfRuns } from "./run-tokens.ts";

/** Addresses a job is given. */
export interface JobAddresses {
  /** The server's API as a container sees it, ends in `/api`. */
  containerApiUrl: string;
  /** The server's API as the runner's git sees it, ends in `/api`. */
  runnerApiUrl: string;
}

/** A job but for what its branches point at, which is asked of git and so outside of any transaction. */
export type JobDraft = Omit<JobSpec, "repo"> & { repo: Omit<JobSpec["repo"], "base_oid" | "branch_oid"> };

/** A run that is claimed, and the addresses that its runner is to use. */
export interface DraftOrder {
  run: Run;
  addresses: JobAddresses;
}

/**
 * Drafts the jobs of runs that are claimed, in their order: prompt, environment, addresses and fresh tokens. Runs in the
 * claims' transaction, so a claim without a job cannot exist. Storing the prompt is left to the caller.
 * @throws ClaimFault naming the run that no job can be made of
 */
export async function draftJobs(tx: Queries, orders: readonly DraftOrder[]): Promise<JobDraft[]> {
  const runs = orders.map(({ run }) => run);
  await beginAttempts(tx, runs);
  const sources = await readSources(tx, runs);
  const made = orders.map(({ run, addresses }) => {
    try {
      return { run, ...draftJob(run, addresses, sources(run)) };
    } catch (cause) {
      throw new ClaimFault(run.id, run.attempt, cause);
    }
  });
  const drafts = made.map(({ draft }) => draft);
  await keepNotes(tx, made);
  await acknowledgeMessages(
    tx,
    orders.flatMap(({ run }) => sources(run).messages.map(({ id }) => id)),
  );
  const tokens = await createTokensOfRuns(
    tx,
    drafts.map(({ run_id, attempt }) => ({ run: run_id, attempt })),
  );
  return drafts.map((draft, at) => ({ ...draft, tokens: tokens[at] as JobDraft["tokens"] }));
}

function draftJob(
  run: Run,
  addresses: JobAddresses,
  sources: JobSources,
): { draft: Omit<JobDraft, "tokens">; notes: PromptNote[] } {
  const { grants } = run;
  assert(grants !== null && run.attempt > 0, `run ${run.id} was claimed without grants`);
  const { item, asker } = sources;
  const itemKey = `${item.key}-${item.number}`;
  const branch = runBranch(branchRunOf(run));
  const { prompt, notes } = buildPrompt({
    itemKey,
    title: item.title,
    description: item.description,
    creator: item.creator,
    baseBranch: grants.base_branch,
    branch,
    pullRequestUrl: sources.pullRequestUrl,
    push: grants.push,
    instructions: grants.instructions,
    skills: sources.skills,
    pages: sources.pages,
    comments: sources.comments,
    commentsMore: sources.commentsMore,
    outsideComments: grants.outside_comments,
    messages: sources.messages,
  });
  const draft = {
    run_id: run.id,
    attempt: run.attempt as Attempt,
    lease_expires_at: new Date(run.lease_expires_at_ms ?? Date.now() + LEASE_MS).toISOString(),
    env: {
      LLM_BASE_URL: `${addresses.containerApiUrl}/llm-proxy`,
      LLM_MODEL: grants.model,
      LLM_STREAM: "1",
      ...(sources.takesPictures ? { LLM_IMAGES: "1" } : {}),
      WS_API_URL: addresses.containerApiUrl,
      WS_WORKSPACE_KEY: item.key,
      WINDSHIFT_ITEM_KEY: itemKey,
      WINDSHIFT_ITEM_ID: String(item.id),
      WINDSHIFT_REQUESTED_BY: oneLine(asker === undefined ? "unknown" : `${asker.name} <${asker.email}>`),
      AGENT_RUN_ID: String(run.id),
      AGENT_TURNS_MAX: String(grants.limits.turns),
      GIT_TERMINAL_PROMPT: "0",
    },
    initial_prompt: prompt,
    image: grants.image,
    limits: grants.limits,
    ...(grants.push ? {} : { push: false }),
    repo: {
      clone_url: `${addresses.runnerApiUrl}/git-proxy/${run.id}/${grants.owner}/${grants.repo}.git`,
      cache_key: `w${run.workspace_id}-r${grants.repository_id}`,
      base_ref: grants.base_branch,
      branch,
    },
  };
  return { draft, notes };
}

/** What was done to the texts of the prompts, for people to see. Most prompts have no such notes, and had none before. */
async function keepNotes(
  tx: Queries,
  made: readonly { run: Run; notes: readonly PromptNote[] }[],
): Promise<void> {
  for (const { run, notes } of made) {
    if (notes.length === 0 && run.prompt_notes.length === 0) continue;
    await tx
      .updateTable("runs")
      .set({ prompt_notes: JSON.stringify(notes) })
      .where("id", "=", run.id)
      .execute();
  }
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, 200);
}
