import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { TriageRequest } from "@windshift/contract/triage.ts";
import type { AttemptPaths, Checkout, PrepareReply, PushReply, WorktreeFailed } from "./checkout.ts";
import type { CloneCache } from "./clone-cache.ts";
import { cloneKey } from "./clone-key.ts";
import { callTriage, type TriageProgram } from "./triage-program.ts";
import { worktreeProblem } from "./worktree.ts";

export interface TriageCheckoutOptions {
  program: TriageProgram;
  /** Holds a folder for each attempt; absolute. The container engine must see it under the same path. */
  worktreeRoot: string;
  /** Holds a bare clone for each repository; absolute. */
  cacheRoot: string;
  /** Keeps those clones within bounds; told what is in use. Left out, they are kept for good. */
  clones?: CloneCache;
  /** Whom the checkout is given to; null where this process may not give files away. */
  owner: { uid: number; gid: number } | null;
  /** Removes a folder with whatever the agent made in it: the sandbox's. */
  removeDir: (dir: string) => Promise<void>;
}

/** The git work of a job, done by `windshift-triage`. */
export class TriageCheckout implements Checkout {
  /** By the folder of an attempt: lets go of its clone. */
  private readonly letGo = new Map<string, () => void>();

  constructor(private readonly options: TriageCheckoutOptions) {}

  async open(job: JobSpec): Promise<AttemptPaths | WorktreeFailed> {
    const { worktreeRoot, cacheRoot, owner } = this.options;
    const problem = (await worktreeProblem(worktreeRoot)) ?? (await worktreeProblem(cacheRoot));
    if (problem !== undefined) return { kind: "failed", reason: "worktree", detail: problem };
    const root = join(worktreeRoot, `run-${job.run_id}-${job.attempt}`);
    // A folder of the same attempt can only be left over from a run of another database: it is never worked in.
    if (existsSync(root)) await this.options.removeDir(root);
    const checkout = join(root, "checkout");
    // Others may pass through but not look around: the engine's helper and the agent's user need the path.
    await mkdir(root, { mode: 0o711 });
    await mkdir(checkout, { mode: owner === null ? 0o755 : 0o700 });
    const closed = owner !== null;
    const letGo = await this.options.clones?.hold(cloneKey(job.repo));
    if (letGo !== undefined) this.letGo.set(root, letGo);
    return { root, checkout, closed, bundle: join(root, "export.bundle"), clean: join(root, "clean") };
  }

  async prepare(
    job: JobSpec,
    paths: AttemptPaths,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<PrepareReply> {
    const request: TriageRequest = {
      op: "prepare",
      ...this.common(job),
      base_ref: job.repo.base_ref,
      base_oid: job.repo.base_oid,
      branch_oid: job.repo.branch_oid,
      checkout_dir: paths.checkout,
      owner: this.options.owner,
    };
    const reply = await callTriage(this.options.program, request, signal, progress);
    if (reply.kind === "prepared" || reply.kind === "failed") return reply;
    return {
      kind: "failed",
      reason: "prepare_failed",
      detail: `windshift-triage answered ${reply.kind} to prepare`,
    };
  }

  async push(
    job: JobSpec,
    paths: AttemptPaths,
    baseOid: string,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<PushReply> {
    const request: TriageRequest = {
      op: "push",
      ...this.common(job),
      bundle_file: paths.bundle,
      clean_dir: paths.clean,
      base_oid: baseOid,
      branch_oid: job.repo.branch_oid,
      deliver: job.push === false ? "patch" : "push",
      message: `Work of run ${job.run_id}\n\nThe agent rewrote the history below its base; this is its final state.`,
    };
    const reply = await callTriage(this.options.program, request, signal, progress);
    if (reply.kind !== "prepared") return reply;
    return { kind: "failed", reason: "push_rejected", detail: "windshift-triage answered prepared to push" };
  }

  close(paths: AttemptPaths): Promise<void> {
    this.letGo.get(paths.root)?.();
    this.letGo.delete(paths.root);
    return this.options.removeDir(paths.root);
  }

  private common(job: JobSpec) {
    return {
      run_id: job.run_id,
      attempt: job.attempt,
      clone_url: job.repo.clone_url,
      token: job.tokens.git,
      cache_dir: join(this.options.cacheRoot, `${cloneKey(job.repo)}.git`),
      branch: job.repo.branch,
    };
  }
}
