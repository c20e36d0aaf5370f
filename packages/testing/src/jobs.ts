import type { RunEvent } from "@windshift/contract/event.ts";
import { Attempt, RunId, runBranch } from "@windshift/contract/ids.ts";
import { JobSpec } from "@windshift/contract/job.ts";
import { createToken } from "@windshift/contract/tokens.ts";

/** What a test says about a job; the rest is filled in. */
export interface JobOptions {
  run?: number;
  attempt?: number;
  prompt?: string;
  env?: Record<string, string>;
  image?: string | null;
  limits?: Partial<JobSpec["limits"]>;
  repo?: Partial<JobSpec["repo"]>;
  tokens?: Partial<JobSpec["tokens"]>;
}

/** A lease long enough for any test, ms. */
const LEASE_MS = 3_600_000;

/** A valid job as a runner gets it: checked against the contract, with fresh tokens. */
export function buildJob(options: JobOptions = {}): JobSpec {
  const run = RunId.parse(options.run ?? 7);
  return JobSpec.parse({
    run_id: run,
    attempt: Attempt.parse(options.attempt ?? 1),
    lease_expires_at: new Date(Date.now() + LEASE_MS).toISOString(),
    env: options.env ?? {},
    initial_prompt: options.prompt ?? "Make the failing test pass.",
    image: options.image ?? null,
    limits: { ...options.limits },
    repo: {
      clone_url: `http://127.0.0.1:1/api/git-proxy/${run}/demo/project.git`,
      cache_key: "connection-1-demo-project",
      base_ref: "main",
      branch: runBranch(run),
      branch_oid: null,
      ...options.repo,
    },
    tokens: { agent: createToken("run"), git: createToken("run"), ...options.tokens },
  });
}

/** An event of a run, `content` with a text unless the test says otherwise. */
export function buildEvent(seq: number, event: Partial<Pick<RunEvent, "type" | "data">> = {}): RunEvent {
  const type = event.type ?? "content";
  return { seq, at: new Date().toISOString(), type, data: event.data ?? { text: `event ${seq}` } };
}
