import type { Signals } from "../db/signals.ts";
import type { ClaimedRun } from "../runs/claim-group.ts";
import type { ClaimReply } from "../runs/run-queue.ts";

/** Of one that asks for a run of the pool. */
export interface Place {
  /** Places alike in this are for the same runs: when there is nothing for one, so there is for the others. */
  readonly kind: string;
  /** Its turn begins; exactly one of the others follows. */
  turn(): void;
  /** It has a run, or its key has brought one before. It has left the line. */
  take(found: Found): void;
  /** There is nothing for it, or for its host; it stays in the line unless it leaves. */
  pass(why: "barred" | "none"): void;
  /** It has left the line. */
  fail(error: unknown): void;
}

export type Found = Exclude<ClaimReply<ClaimedRun>, { kind: "barred" | "none" }>;

/** Places of one group, served in one transaction: a longer one answers the first of them later, and wins little. */
const GROUP_MAX = 32;
/** After a group that got runs, how long as many are waited for as it had, ms: they come back at about the same time, and a group of one costs hardly less. */
const GATHER_MS = 5;
/** Wait between looks at the database when no signal comes, ms: a lost signal delays, it never loses. */
const LOOK_MS = 2_000;

/**
 * Those that ask for runs of one pool at one server. They are served in groups, one group at a time; who comes
 * meanwhile is in the next. So the more ask at once the less a claim costs, as with a database's commits. However many
 * wait, a wake-up costs a transaction for each group that there are runs for and one more for each kind; within a kind who asked
 * first is served first.
 */
export class ClaimLine<P extends Place> {
  private readonly places = new Set<P>();
  private fresh: P[] = [];
  /** Whether those that wait are to be served too. */
  private due = false;
  /** Places of the last round that got a run. */
  private gotRuns = 0;
  private wake = () => {};

  /**
   * @param claim claims for places of one kind, in their order; never rejects
   * @param look looks after those that wait, from time to time; never rejects
   */
  constructor(
    private readonly signals: Signals,
    private readonly claim: (group: readonly P[]) => Promise<PromiseSettledResult<ClaimReply<ClaimedRun>>[]>,
    private readonly look: (waiting: readonly P[]) => Promise<void>,
  ) {}

  join(place: P): void {
    const isOpen = this.places.size > 0;
    this.places.add(place);
    this.fresh.push(place);
    if (isOpen) this.wake();
    else void this.run();
  }

  leave(place: P): void {
    this.places.delete(place);
    if (this.places.size === 0) this.wake();
  }

  /** Serves until the line is empty. */
  private async run(): Promise<void> {
    const stop = this.signals.listen("queue", () => {
      this.due = true;
      this.wake();
    });
    let lookAtMs = performance.now() + LOOK_MS;
    while (this.places.size > 0) {
      if (this.gotRuns > 1) await this.gather(this.gotRuns);
      if (performance.now() >= lookAtMs) {
        await this.look([...this.places]);
        this.due = true;
        lookAtMs = performance.now() + LOOK_MS;
      }
      const served = this.due ? [...this.places] : this.fresh;
      this.due = false;
      this.fresh = [];
      if (served.length > 0) await this.round(served);
      else await this.pause(lookAtMs);
    }
    stop();
  }

  private async gather(count: number): Promise<void> {
    const untilMs = performance.now() + GATHER_MS;
    while (this.fresh.length < count && performance.now() < untilMs) await this.pause(untilMs);
  }

  /** Until something happens, or until then. */
  private pause(untilMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.wake = () => {};
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, untilMs - performance.now()));
      this.wake = end;
    });
  }

  private async round(served: readonly P[]): Promise<void> {
    this.gotRuns = 0;
    for (const line of Map.groupBy(served, ({ kind }) => kind).values()) {
      let left: readonly P[] = line;
      let isNothing = false;
      while (left.length > 0 && !isNothing) {
        isNothing = await this.serve(left.slice(0, GROUP_MAX));
        left = left.slice(GROUP_MAX);
      }
      for (const place of left.filter((one) => this.places.has(one))) {
        place.turn();
        place.pass("none");
      }
    }
  }

  /** @returns whether there was nothing for one of them, and so is nothing for others of the kind */
  private async serve(candidates: readonly P[]): Promise<boolean> {
    const group = candidates.filter((place) => this.places.has(place));
    if (group.length === 0) return false;
    for (const place of group) place.turn();
    const replies = await this.claim(group);
    return group.map((place, at) => this.tell(place, replies[at])).includes("none");
  }

  private tell(place: P, reply: PromiseSettledResult<ClaimReply<ClaimedRun>> | undefined): string {
    if (reply?.status !== "fulfilled") {
      this.places.delete(place);
      place.fail(reply?.reason);
      return "failed";
    }
    const { value } = reply;
    if (value.kind === "barred" || value.kind === "none") place.pass(value.kind);
    else {
      // One that hung up meanwhile asks again with its key, and gets it then.
      this.places.delete(place);
      if (value.kind === "claimed") this.gotRuns++;
      place.take(value);
    }
    return value.kind;
  }
}
