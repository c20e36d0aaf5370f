import { AppError } from "@windshift/contract/app-error.ts";
import type { RunEvent } from "@windshift/contract/event.ts";
import { type PoolId, type RunnerId, runBranch } from "@windshift/contract/ids.ts";
import type { AttemptResult, JobSpec } from "@windshift/contract/job.ts";
import { HEARTBEAT_INTERVAL_MS, PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import { BootId, type HostState } from "@windshift/contract/runner.ts";
import { renewHeld, takeEvents, takeResult } from "../../apps/server/src/runners/host-attempt.ts";
import { enterSession } from "../../apps/server/src/runners/host-session.ts";
import type { Host } from "../../apps/server/src/runners/runner-credential.ts";
import { lockLiveAttempt } from "../../apps/server/src/runs/run-fence.ts";
import { findRunByToken } from "../../apps/server/src/runs/run-tokens.ts";
import type { Seeded } from "../faults-harness/seeded.ts";
import type { Network } from "./network.ts";
import type { SimulatedForge } from "./simulated-forge.ts";
import { DEFAULTS } from "./simulated-server.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface HostParts {
  clock: VirtualClock;
  network: Network;
  forge: SimulatedForge;
  seeded: Seeded;
  row: Host & { id: RunnerId; pool: PoolId };
  capacity: number;
  labels: readonly string[];
  /** What an agent's work takes at most, ms. */
  workMsMax: number;
  onJob(job: JobSpec): void;
}

/** Waits, ms. */
const POLL_MS = 5_000;
/** Grows with each try, as the product's does. */
const RETRY_MS = 2_000;
const RETRY_MS_MAX = 30_000;
const PREPARE_MS_MAX = 5_000;
const TRIES_MAX = 60;
/** Of its agents so many commit nothing, fail, or go on for a while although they were told to end. */
const FAILS = 0.05;
const COMMITS_NOTHING = 0.05;
const IS_STUBBORN = 0.2;
const STUBBORN_MS = 60_000;
const API = "http://windshift.test/api";

interface Held {
  job: JobSpec;
  stopAtMs: number;
}

/** A runner host as the product's behaves towards the server: one start of it at a time, which can end, stand still, or be cut off. */
export class SimulatedHost {
  boot = "";
  isCutUntilMs = 0;
  pausedUntilMs = 0;
  isDraining = false;
  isRevoked = false;
  private held = new Map<string, Held>();
  private heardAtMs = 0;
  private number = 0;

  constructor(readonly parts: HostParts) {}

  get isUp(): boolean {
    return this.boot !== "";
  }
  get isIdle(): boolean {
    return this.held.size === 0;
  }

  /** A start that was never heard of. */
  start(): void {
    this.boot = BootId.parse(this.nonce());
    this.isDraining = false;
    this.held = new Map();
    this.heardAtMs = this.parts.clock.nowMs;
    void this.beat(this.boot);
    void this.claim(this.boot);
  }

  kill(): void {
    this.boot = "";
    this.held = new Map();
  }

  private async beat(boot: string): Promise<void> {
    const { clock, network, row } = this.parts;
    while (await this.isStart(boot)) {
      const held = [...this.held.values()].map(({ job }) => ({ run: job.run_id, attempt: job.attempt }));
      const state = this.state(boot);
      try {
        const { abort } = await network.send(this.isCut, (server) =>
          server.call(async (database) => {
            await enterSession(database, DEFAULTS, row, state);
            return renewHeld(database, row, { ...state, held });
          }),
        );
        this.heardAtMs = clock.nowMs;
        for (const { run, attempt } of abort) this.drop(`${run} ${attempt}`);
      } catch (error) {
        if (this.isRefused(error, boot)) return;
        if (clock.nowMs - this.heardAtMs > PARTITION_MS_MAX)
          for (const key of this.held.keys()) this.drop(key);
      }
      await clock.sleep(HEARTBEAT_INTERVAL_MS + this.parts.seeded.between(-100, 100) * 10);
    }
  }

  private async claim(boot: string): Promise<void> {
    const { clock, network, row, capacity } = this.parts;
    let key = this.nonce();
    let failures = 0;
    while (await this.isStart(boot)) {
      if (this.isDraining || this.held.size >= capacity) {
        await clock.sleep(POLL_MS);
        continue;
      }
      const claimer = {
        from: row,
        runner: row.id,
        isolation: "container" as const,
        addresses: { containerApiUrl: API, runnerApiUrl: API },
        host: { boot, key, capacity, labels: this.parts.labels },
      };
      const state = this.state(boot);
      try {
        const job = await network.send(this.isCut, async (server) => {
          await server.call((database) => enterSession(database, DEFAULTS, row, state));
          return server.claim(claimer);
        });
        failures = 0;
        if (job === null) await clock.sleep(POLL_MS);
        else if (this.boot === boot) {
          key = this.nonce();
          this.take(job, boot);
        }
      } catch (error) {
        if (this.isRefused(error, boot)) return;
        await clock.sleep(Math.min(RETRY_MS * 2 ** failures++, RETRY_MS_MAX));
      }
    }
  }

  private take(job: JobSpec, boot: string): void {
    const key = `${job.run_id} ${job.attempt}`;
    if (this.held.has(key)) return;
    const held = { job, stopAtMs: Number.POSITIVE_INFINITY };
    this.held.set(key, held);
    this.parts.onJob(job);
    void this.work(held, boot).finally(() => {
      if (this.held.get(key) === held) this.held.delete(key);
    });
  }

  /** One attempt, from its preparation to the report, told in events some of which come twice or in another order. */
  private async work(held: Held, boot: string): Promise<void> {
    const { clock, seeded, workMsMax, forge } = this.parts;
    const { job } = held;
    await clock.sleep(10 * seeded.between(1, PREPARE_MS_MAX / 10));
    const events = Array.from({ length: seeded.between(2, 6) }, (_, at) => eventOf(at + 1));
    const half = seeded.between(1, events.length);
    if (!(await this.deliver(held, boot, () => this.sendEvents(held, boot, events.slice(0, half))))) return;
    await clock.sleep(10 * seeded.between(1, workMsMax / 10));
    const commits = seeded.next() >= COMMITS_NOTHING;
    if (commits && !(await this.deliver(held, boot, () => this.push(job, forge)))) return;
    // The end of the story first, then all of it: what has a gap waits, what is known is left out.
    if (seeded.next() < 0.2) void this.sendEvents(held, boot, events.slice(half)).catch(() => undefined);
    if (!(await this.deliver(held, boot, () => this.sendEvents(held, boot, events)))) return;
    const failed = seeded.next() < FAILS;
    await this.deliver(held, boot, () => this.report(held, boot, failed));
  }

  /** Tries until it is taken. @returns false when there is nobody any more for whom to do it */
  private async deliver(held: Held, boot: string, what: () => Promise<unknown>): Promise<boolean> {
    const { clock } = this.parts;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (!(await this.isStart(boot)) || clock.nowMs >= held.stopAtMs) return false;
      try {
        await what();
        return true;
      } catch (error) {
        if (error instanceof AppError && error.code !== "unavailable") {
          // Refused for good. A stubborn agent does not care.
          if (held.stopAtMs === Number.POSITIVE_INFINITY) this.drop(`${held.job.run_id} ${held.job.attempt}`);
        }
        await clock.sleep(Math.min(RETRY_MS * 2 ** tries, RETRY_MS_MAX));
      }
    }
    return false;
  }

  private sendEvents({ job }: Held, boot: string, events: readonly RunEvent[]): Promise<unknown> {
    if (events.length === 0) return Promise.resolve();
    const { network, row } = this.parts;
    const batch = { attempt: job.attempt, events: [...events] };
    return network.send(this.isCut, (server) =>
      server.call((database) => takeEvents(database, row, boot, job.run_id, batch)),
    );
  }

  /** As the git broker: with the attempt's token, and only while that is good. */
  private push(job: JobSpec, forge: SimulatedForge): Promise<void> {
    return this.parts.network.send(this.isCut, (server) =>
      server.call(async (database) => {
        const oid = oidOf(job);
        const known = await findRunByToken(database.kysely, job.tokens.git, "git");
        if (known === undefined) throw new AppError("unauthenticated", "the token is not good");
        await database.transaction(async (tx) => {
          if ((await lockLiveAttempt(database, tx, job.run_id, job.attempt)) === undefined) return;
          await tx.updateTable("runs").set({ pushed_oid: oid }).where("id", "=", job.run_id).execute();
        });
        forge.push(runBranch(job.run_id), oid);
      }),
    );
  }

  private report({ job }: Held, boot: string, failed: boolean): Promise<void> {
    const { network, row } = this.parts;
    const result: AttemptResult = {
      attempt: job.attempt,
      isolation: "container",
      outcome: failed ? null : "completed",
      summary: "done",
      failure: failed ? { reason: "agent_failed", detail: "it failed" } : null,
      base_oid: null,
      head_oid: null,
      exit_code: failed ? 1 : 0,
    };
    return network.send(this.isCut, (server) =>
      server.call((database) => takeResult(database, DEFAULTS, row, boot, job.run_id, result)),
    );
  }

  private drop(key: string): void {
    const held = this.held.get(key);
    if (held === undefined) return;
    const stubborn = this.parts.seeded.next() < IS_STUBBORN;
    held.stopAtMs = this.parts.clock.nowMs + (stubborn ? STUBBORN_MS : 0);
    this.held.delete(key);
  }

  /** Waits while the program stands still. @returns whether this start is still the one that runs */
  private async isStart(boot: string): Promise<boolean> {
    const { clock } = this.parts;
    while (this.boot === boot && clock.nowMs < this.pausedUntilMs)
      await clock.sleep(this.pausedUntilMs - clock.nowMs);
    return this.boot === boot;
  }

  /** Its place was taken or it was revoked: it ends. */
  private isRefused(error: unknown, boot: string): boolean {
    const refused = error instanceof AppError && ["superseded", "unauthenticated"].includes(error.code);
    if (refused && this.boot === boot) this.kill();
    return refused;
  }

  private readonly isCut = () => this.parts.clock.nowMs < this.isCutUntilMs;

  private state(boot: string): HostState {
    return {
      boot: BootId.parse(boot),
      version: "0.1.0",
      capacity: this.parts.capacity,
      labels: [...this.parts.labels],
      draining: this.isDraining,
    };
  }

  private nonce(): string {
    return `${this.parts.row.id}`.padStart(8, "0") + `${this.number++}`.padStart(24, "0");
  }
}

function eventOf(seq: number): RunEvent {
  return { seq, at: "2026-01-01T00:00:00.000Z", type: "content", data: { text: `${seq}` } };
}

/** Tells run and attempt, as the commit of the harness's agent does. */
function oidOf({ run_id, attempt }: JobSpec): string {
  return `${run_id}`.padStart(32, "0") + `${attempt}`.padStart(8, "0");
}
