import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ClaimRequest } from "@windshift/contract/runner.ts";
import { recordAll } from "../audit/audit-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { claimGroup } from "../runs/claim-group.ts";
import { type ClaimParts, completeClaim, repeatClaim } from "../runs/control-plane.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import type { Claim } from "../runs/run-queue.ts";
import { ClaimLine, type Found } from "./claim-line.ts";
import { type HostClaimer, HostPlace } from "./host-place.ts";
import { findUnwelcome } from "./host-session.ts";
import type { Host } from "./runner-credential.ts";

export interface ClaimDeskParts {
  database: Database;
  defaults: RunDefaults;
  readBranch: ClaimParts["readBranch"];
  /** Adds to a job what its runner's part of the trace hangs from. */
  traced?: ((job: JobSpec) => JobSpec) | undefined;
  log: Log;
}

/** Where runner hosts ask for work and wait for it: a line for each pool. */
export class ClaimDesk {
  private readonly lines = new Map<PoolId, ClaimLine<HostPlace>>();
  /** Places of each host, as long as they wait. */
  private readonly waiting = new Map<RunnerId, Set<HostPlace>>();
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
    const claimer = claimerOf(host, request);
    const parts = { ...this.parts, onClaimError: this.onClaimError };
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const found = await this.ask(claimer, untilMs - performance.now(), signal);
      if (found === undefined) return null;
      // Outside of the line: a forge that takes its time holds up its own run alone.
      const job =
        found.kind === "claimed"
          ? await completeClaim(parts, found.value)
          : await repeatClaim(parts, claimer.runner, claimer.host.key, claimer.addresses);
      if (job !== undefined) return job === null ? null : (this.parts.traced?.(job) ?? job);
      if (signal.aborted || performance.now() > untilMs) return null;
    }
  }

  private ask(claimer: HostClaimer, waitMs: number, signal: AbortSignal): Promise<Found | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const { database } = this.parts;
    const { pool } = claimer.from;
    const line = this.lines.get(pool) ?? this.open(pool);
    return new Promise((resolve, reject) => {
      const place = new HostPlace(database, claimer, {
        end: (found) => {
          this.leave(line, place);
          resolve(found);
        },
        fail: (error) => {
          this.leave(line, place);
          reject(error);
        },
      });
      place.wait(waitMs, signal);
      this.join(line, place);
    });
  }

  /** A host has one set of labels: one that claims with ever others must not cost each wake-up a transaction for each of them. */
  private join(line: ClaimLine<HostPlace>, place: HostPlace): void {
    const { runner } = place.claimer;
    const own = this.waiting.get(runner) ?? new Set();
    for (const other of [...own]) if (other.kind !== place.kind) other.giveWay();
    this.waiting.set(runner, own.add(place));
    line.join(place);
  }

  private leave(line: ClaimLine<HostPlace>, place: HostPlace): void {
    line.leave(place);
    const { runner } = place.claimer;
    const own = this.waiting.get(runner);
    own?.delete(place);
    if (own?.size === 0) this.waiting.delete(runner);
  }

  private open(pool: PoolId): ClaimLine<HostPlace> {
    const { database } = this.parts;
    const parts = { database, onClaims: recordClaims, onClaimError: this.onClaimError };
    const claim = (group: readonly HostPlace[]) =>
      claimGroup(
        parts,
        pool,
        group.map(({ claimer }) => claimer),
      );
    const line = new ClaimLine<HostPlace>(database.signals, claim, (waiting) => lookAfter(database, waiting));
    this.lines.set(pool, line);
    return line;
  }

  private readonly onClaimError = (run: number, err: unknown) =>
    this.parts.log.error({ run, err }, "a claimed run could not be started");
}

/** The signal of a revocation may have been lost. */
async function lookAfter(database: Database, waiting: readonly HostPlace[]): Promise<void> {
  const claimers = new Map(waiting.map((place) => [place.claimer, place]));
  // A database that does not answer says so to those whose turn it is next.
  const unwelcome = await findUnwelcome(database, [...claimers.keys()]).catch(() => []);
  for (const claimer of unwelcome) void claimers.get(claimer)?.look();
}

function claimerOf(host: Host, request: ClaimRequest): HostClaimer {
  const { boot, claim_key: key, capacity, labels, api_url, isolation } = request;
  return {
    from: host,
    runner: host.id,
    isolation,
    addresses: { containerApiUrl: api_url, runnerApiUrl: api_url },
    host: { boot, key, capacity, labels },
  };
}

/** In the transaction of the claims, as every line of the audit log. */
function recordClaims(tx: Queries, claims: readonly Claim<HostClaimer>[]): Promise<void> {
  return recordAll(
    tx,
    claims.map(({ run, by: { from } }) => ({
      workspaceId: run.workspace_id,
      actor: { runner: from.id },
      action: "run.claimed",
      subject: `run ${run.id}`,
      data: { attempt: run.attempt, name: from.name, ip: from.from ?? "unknown" },
    })),
  );
}
