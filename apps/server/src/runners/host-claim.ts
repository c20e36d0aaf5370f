import { AppError } from "@windshift/contract/app-error.ts";
import type { PoolId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ClaimRequest } from "@windshift/contract/runner.ts";
import { record } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import { waitForSignal } from "../db/signals.ts";
import type { Log } from "../http/log.ts";
import {
  type ClaimedRun,
  type ControlPlaneOptions,
  claimDraft,
  completeClaim,
  repeatClaim,
} from "../runs/control-plane.ts";
import type { Run } from "../runs/run.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { type HostClaim, mayTake } from "../runs/run-queue.ts";
import { noteSuperseded, requireCurrent } from "./host-session.ts";
import type { Host } from "./runner-credential.ts";

export interface ClaimDeskParts {
  database: Database;
  defaults: RunDefaults;
  readBranch: ControlPlaneOptions["readBranch"];
  log: Log;
}

interface Waiter {
  /** Waiters alike in this ask for the same runs: when one finds nothing, so do the others. */
  kind: string;
  claim(): Promise<ClaimedRun | undefined>;
  /** Whether nothing was found for a reason of this host alone, such as that it is full. Rejects when it is not welcome any more. */
  isBarred(): Promise<boolean>;
  done(claimed: ClaimedRun | undefined): void;
  fail(error: unknown): void;
}

/** Wait between looks at the database when no signal comes, ms: a lost signal delays, it never loses. */
const LOOK_MS = 2_000;

/**
 * Where runner hosts wait for work. However many wait, a wake-up costs a claim for each run that there is and one more for each kind of host,
 * not one for each host; who waits longest is served first.
 */
export class ClaimDesk {
  private readonly waiting = new Map<PoolId, Set<Waiter>>();
  constructor(private readonly parts: ClaimDeskParts) {}

  /**
   * The next run for the host, waiting up to `waitMs` for one. The same key gives the job again whose answer was lost. A host that
   * hangs up while it waits is given nothing.
   */
  async claim(
    host: Host,
    request: ClaimRequest,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<JobSpec | null> {
    const options = this.optionsFor(host, request);
    const again = await repeatClaim(options, host.id, request.claim_key);
    if (again !== undefined) return again;
    const { boot, claim_key: key, capacity, labels } = request;
    const wish: HostClaim = { boot, key, capacity, labels };
    const over = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, waitMs))]);
    for (;;) {
      let claimed = await claimDraft(options, host.pool, host.id, wish);
      if (claimed === undefined && waitMs > 0) claimed = await this.wait(host, wish, options, over);
      if (claimed === undefined) return null;
      // Outside of the desk: a forge that takes its time holds up its own run alone.
      const job = await completeClaim(options, claimed);
      if (job !== undefined) return job;
      if (over.aborted) return null;
    }
  }

  private optionsFor(host: Host, { api_url, isolation }: ClaimRequest): ControlPlaneOptions {
    const { database, defaults, readBranch, log } = this.parts;
    return {
      database,
      defaults,
      addresses: { containerApiUrl: api_url, runnerApiUrl: api_url },
      readBranch,
      isolation,
      onClaim: (tx, run) => recordClaim(tx, host, run),
      onClaimError: (run, err) => log.error({ run, err }, "a claimed run could not be started"),
    };
  }

  private wait(
    host: Host,
    wish: HostClaim,
    options: ControlPlaneOptions,
    signal: AbortSignal,
  ): Promise<ClaimedRun | undefined> {
    const { database } = this.parts;
    const waiters = this.waiting.get(host.pool);
    return new Promise((resolve, reject) => {
      const stopListening = database.signals.listen(`runner:${host.id}`, () => {
        requireCurrent(database, host, wish.boot).catch(async (error: unknown) => {
          // Its program is still there and waits: it was not restarted.
          const isThere = error instanceof AppError && error.code === "superseded" && !signal.aborted;
          if (isThere) await noteSuperseded(database, host).catch(() => {});
          waiter.fail(error);
        });
      });
      const leave = () => {
        stopListening();
        this.waiting.get(host.pool)?.delete(waiter);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        leave();
        resolve(undefined);
      };
      const waiter: Waiter = {
        kind: wish.labels.join(),
        claim: () => claimDraft(options, host.pool, host.id, wish),
        isBarred: async () => {
          if (await mayTake(options.database.kysely, host.id, wish)) return false;
          // The signal of a revocation may have been lost.
          await requireCurrent(database, host, wish.boot);
          return true;
        },
        done: (claimed) => {
          leave();
          resolve(claimed);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) return onAbort();
      if (waiters !== undefined) return void waiters.add(waiter);
      const first = new Set([waiter]);
      this.waiting.set(host.pool, first);
      void this.serve(host.pool, first);
    });
  }

  /** Serves one pool for as long as somebody waits. */
  private async serve(pool: PoolId, waiters: Set<Waiter>): Promise<void> {
    const { signals } = this.parts.database;
    while (waiters.size > 0) {
      const woken = waitForSignal(signals, "queue", LOOK_MS);
      await this.round(waiters);
      if (waiters.size > 0) await woken;
    }
    this.waiting.delete(pool);
  }

  private async round(waiters: Set<Waiter>): Promise<void> {
    const nothingFor = new Set<string>();
    for (const waiter of [...waiters]) {
      if (!waiters.has(waiter) || nothingFor.has(waiter.kind)) continue;
      // One that hangs up while its run is claimed asks again with its key, and gets it then.
      try {
        const claimed = await waiter.claim();
        if (claimed !== undefined) waiter.done(claimed);
        else if (!(await waiter.isBarred())) nothingFor.add(waiter.kind);
      } catch (error) {
        waiter.fail(error);
      }
    }
  }
}

/** In the transaction of the claim, as every line of the audit log. */
function recordClaim(tx: Queries, { id, name, from }: Host, run: Run): Promise<void> {
  return record(tx, {
    workspaceId: run.workspace_id,
    actor: { runner: id },
    action: "run.claimed",
    subject: `run ${run.id}`,
    data: { attempt: run.attempt, name, ip: from ?? "unknown" },
  });
}
