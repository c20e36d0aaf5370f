import type { PoolId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { LEASE_MS, SWEEP_INTERVAL_MS } from "@windshift/contract/limits.ts";
import type { Database } from "../../apps/server/src/db/database.ts";
import type { HostClaimer } from "../../apps/server/src/runners/host-place.ts";
import { type ClaimedRun, claimGroup } from "../../apps/server/src/runs/claim-group.ts";
import { type ClaimParts, completeClaim, repeatClaim } from "../../apps/server/src/runs/control-plane.ts";
import { publishRun } from "../../apps/server/src/runs/run-publishing.ts";
import { holdPublishing, takePublishing } from "../../apps/server/src/runs/run-publishing-store.ts";
import type { ClaimReply } from "../../apps/server/src/runs/run-queue.ts";
import { sweepLapsedLeases } from "../../apps/server/src/runs/run-sweep.ts";
import type { Seeded } from "../faults-harness/seeded.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import type { SimulatedForge } from "./simulated-forge.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What whoever asked a server hears that has ended meanwhile: nothing. */
export class Gone extends Error {
  override readonly name = "Gone";
}

export const DEFAULTS = { llmModel: undefined };
/** As in claim-line.ts: hosts that ask at about the same time are served together, at most so many. */
const GATHER_MS = 10;
const GROUP_MAX = 32;
const PUBLISHING_LOOK_MS = 1_000;
const PUBLISHING_RETRY_MS = 2_000;
/** Turns that others may get before a transaction, at most: so that what runs at once meets in every order. */
const YIELDS_MAX = 3;

export interface ServerParts {
  clock: VirtualClock;
  storage: SimulatedDatabase;
  forge: SimulatedForge;
  seeded: Seeded;
  tell(violation: string): void;
}

interface Asking {
  claimer: HostClaimer;
  answer(reply: PromiseSettledResult<ClaimReply<ClaimedRun>>): void;
}

/** One server process: the product's queue, on the common database, with loops on the virtual clock; it can end at any transaction. */
export class SimulatedServer {
  /** Since when it is up, ms; undefined while it is not. */
  upSinceMs: number | undefined;
  readonly stats = { claimErrors: 0, publishFailures: 0 };
  private start = 0;
  private database: Database;
  private parts: ClaimParts;
  private lines = new Map<string, Asking[]>();

  constructor(private readonly options: ServerParts) {
    this.database = options.storage.as(async () => {});
    this.parts = this.partsOn(this.database);
    this.begin();
  }

  /** It ends as by `kill -9`: what is on its way is rolled back or goes unanswered. */
  kill(): void {
    this.upSinceMs = undefined;
    this.start++;
    this.lines = new Map();
  }

  begin(): void {
    const start = ++this.start;
    const { clock, seeded, storage } = this.options;
    this.upSinceMs = clock.nowMs;
    this.database = storage.as(async () => {
      for (let left = seeded.between(0, YIELDS_MAX); left > 0; left--) await Promise.resolve();
      if (this.start !== start) throw new Gone();
    });
    this.parts = this.partsOn(this.database);
    void this.sweep(start);
    void this.publish(start);
  }

  /** Does the work of a request. @throws Gone when the server is down, or ends before it can answer */
  async call<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { start } = this;
    if (this.upSinceMs === undefined) throw new Gone();
    const result = await work(this.database);
    if (this.start !== start) throw new Gone();
    return result;
  }

  /** As ClaimDesk: a new claim stands in line with others of its pool; a key that has brought a run brings it again. */
  claim(claimer: HostClaimer): Promise<JobSpec | null> {
    return this.call(async (database) => {
      const reply = await this.ask(claimer);
      if (reply.status === "rejected") throw reply.reason;
      const job =
        reply.value.kind === "claimed"
          ? await completeClaim(this.parts, reply.value.value)
          : await repeatClaim(
              { ...this.parts, database },
              claimer.runner,
              claimer.host.key,
              claimer.addresses,
            );
      return job ?? null;
    });
  }

  private ask(claimer: HostClaimer): Promise<PromiseSettledResult<ClaimReply<ClaimedRun>>> {
    const { pool } = claimer.from;
    const kind = `${pool} ${claimer.host.labels.join()}`;
    return new Promise((answer) => {
      const line = this.lines.get(kind) ?? [];
      line.push({ claimer, answer });
      if (line.length > 1) return;
      this.lines.set(kind, line);
      void this.serve(kind, pool);
    });
  }

  private async serve(kind: string, pool: PoolId): Promise<void> {
    const { start, parts } = this;
    await this.options.clock.sleep(GATHER_MS);
    // Those that stood in line are cut off.
    if (this.start !== start) return;
    const line = this.lines.get(kind) ?? [];
    this.lines.delete(kind);
    for (let at = 0; at < line.length; at += GROUP_MAX) {
      const group = line.slice(at, at + GROUP_MAX);
      const claimers = group.map(({ claimer }) => claimer);
      const replies = await claimGroup(parts, pool, claimers);
      for (const [i, reply] of replies.entries()) group[i]?.answer(reply);
    }
  }

  private partsOn(database: Database): ClaimParts {
    return {
      database,
      defaults: DEFAULTS,
      readBranch: (_, branch) => this.options.forge.readBranch(branch),
      onClaimError: () => void this.stats.claimErrors++,
    };
  }

  /** As runSweepLoop: not before one lease has passed since the start. */
  private async sweep(start: number): Promise<void> {
    const { clock, tell } = this.options;
    await clock.sleep(LEASE_MS);
    while (this.start === start) {
      const found = await sweepLapsedLeases(this.database, DEFAULTS).catch(ignoreGone);
      for (const { became, run, cause } of found ?? [])
        if (became === "error" && !(cause instanceof Gone)) tell(`run ${run} could not be swept: ${cause}`);
      await clock.sleep(SWEEP_INTERVAL_MS);
    }
  }

  /** As runPublishingLoop, with a forge that is slow or fails at times. */
  private async publish(start: number): Promise<void> {
    const { clock, forge } = this.options;
    while (this.start === start) {
      const { database } = this;
      const run = await takePublishing(database).catch(ignoreGone);
      if (run === undefined) {
        await clock.sleep(PUBLISHING_LOOK_MS);
        continue;
      }
      const ports = {
        database,
        forge: forge.port(clock),
        defaults: DEFAULTS,
        baseUrl: "http://windshift.test",
      };
      try {
        await publishRun(ports, run);
      } catch (error) {
        if (error instanceof Gone || this.start !== start) return;
        this.stats.publishFailures++;
        await holdPublishing(database, run, PUBLISHING_RETRY_MS).catch(ignoreGone);
      }
    }
  }
}

function ignoreGone(error: unknown): undefined {
  if (error instanceof Gone) return undefined;
  throw error;
}
