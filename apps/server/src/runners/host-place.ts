import { AppError } from "@windshift/contract/app-error.ts";
import type { Database } from "../db/database.ts";
import { findByKey, type JobClaimer } from "../runs/claim-group.ts";
import type { HostClaim } from "../runs/run-queue.ts";
import type { Found, Place } from "./claim-line.ts";
import { noteSuperseded, requireCurrent } from "./host-session.ts";
import type { Host } from "./runner-credential.ts";

/** A host that asks for a job. */
export interface HostClaimer extends JobClaimer {
  from: Host;
  host: HostClaim;
}

/** How a place ends; the first call counts. */
export interface PlaceEnds {
  /** @param found undefined: nothing came in its time, or its host hung up */
  end(found: Found | undefined): void;
  fail(error: unknown): void;
}

/** The place of a host in its pool's line, from its request to the answer. */
export class HostPlace implements Place {
  readonly kind: string;
  /** Turns, and looks after them, that have not ended: a place whose time is over waits for those. */
  private underWay = 0;
  private hasPassed = false;
  private isTimeOver = false;
  private isOver = false;
  private stopWaiting = () => {};

  constructor(
    private readonly database: Database,
    readonly claimer: HostClaimer,
    private readonly ends: PlaceEnds,
  ) {
    this.kind = claimer.host.labels.join();
  }

  /** Ends the place after this time, but not before its first turn; and at once when the host hangs up, is revoked or starts anew. */
  wait(waitMs: number, signal: AbortSignal): void {
    const onAbort = () => this.over(undefined);
    const timer = setTimeout(() => this.endTime(), Math.max(0, waitMs));
    const { from } = this.claimer;
    const stopListening = this.database.signals.listen(`runner:${from.id}`, () => void this.look());
    signal.addEventListener("abort", onAbort, { once: true });
    this.stopWaiting = () => {
      clearTimeout(timer);
      stopListening();
      signal.removeEventListener("abort", onAbort);
    };
  }

  /** Its host asks for something else by now: it is told that nothing came. What its key brings meanwhile is there for that key. */
  giveWay(): void {
    this.over(undefined);
  }

  turn(): void {
    this.underWay++;
  }

  take(found: Found): void {
    this.over(found);
  }

  pass(why: "barred" | "none"): void {
    this.afterNothing(why).then(
      () => {
        this.underWay--;
        if (this.isTimeOver) this.endTime();
      },
      (error: unknown) => this.fail(error),
    );
  }

  fail(error: unknown): void {
    this.stop();
    this.ends.fail(error);
  }

  private async afterNothing(why: "barred" | "none"): Promise<void> {
    const { database, claimer } = this;
    const isFirst = !this.hasPassed;
    this.hasPassed = true;
    // Where nothing is queued its turn has not asked for that.
    const again = isFirst && (await findByKey(database.kysely, claimer.runner, claimer.host.key));
    if (again) this.take({ kind: "again" });
    else if (why === "barred") await requireCurrent(database, claimer.from, claimer.host.boot);
  }

  /** Something was done to the runner: is it still welcome? */
  async look(): Promise<void> {
    const { database } = this;
    const { from, host } = this.claimer;
    try {
      await requireCurrent(database, from, host.boot);
    } catch (error) {
      // Its program is still there and waits: it was not restarted.
      const isThere = error instanceof AppError && error.code === "superseded" && !this.isOver;
      if (isThere) await noteSuperseded(database, from).catch(() => {});
      this.fail(error);
    }
  }

  private endTime(): void {
    this.isTimeOver = true;
    if (this.underWay === 0 && this.hasPassed) this.over(undefined);
  }

  private over(found: Found | undefined): void {
    this.stop();
    this.ends.end(found);
  }

  private stop(): void {
    this.isOver = true;
    this.stopWaiting();
  }
}
