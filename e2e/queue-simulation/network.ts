import type { Seeded } from "../faults-harness/seeded.ts";
import { Gone, type SimulatedServer } from "./simulated-server.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What the wire does to one request. Times are ms. */
export interface NetworkPlan {
  /** Parts of all requests. */
  loses: number;
  repeats: number;
  /** Kept back on its way, so that others overtake it. */
  delays: number;
}

/** Steps of time, ms: coarse, so that what is on its way at once meets. */
const STEP_MS = 10;
const DELAY_STEPS_MAX = 8;
const LATE_MS_MAX = 180_000;
/** How long whoever asked waits for an answer that does not come. */
const ANSWER_MS_MAX = 10_000;

/** No answer came: the request may have been done, or may still be. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

/** Everything between hosts and servers: a balancer that knows not who is up, delays, losses, repetitions. */
export class Network {
  readonly stats = { requests: 0, lost: 0, repeated: 0, late: 0, unanswered: 0 };

  constructor(
    private readonly clock: VirtualClock,
    private readonly servers: readonly SimulatedServer[],
    private readonly seeded: Seeded,
    public plan: NetworkPlan,
  ) {}

  /**
   * @param isCut whether the sender is cut off at a moment
   * @throws Unanswered, or what the server answers instead of a result
   */
  async send<T>(isCut: () => boolean, work: (server: SimulatedServer) => Promise<T>): Promise<T> {
    const { seeded, stats } = this;
    stats.requests++;
    await this.delay();
    if (isCut() || this.happens(this.plan.loses, "lost")) return this.silence();
    if (this.happens(this.plan.repeats, "repeated")) void this.again(work);
    if (this.happens(this.plan.delays, "late")) {
      // Its sender has given it up by the time it arrives.
      void this.again(work);
      return this.silence();
    }
    let result: T;
    try {
      result = await work(seeded.pick(this.servers));
    } catch (error) {
      if (error instanceof Gone) return this.silence(STEP_MS);
      throw error;
    }
    await this.delay();
    if (isCut() || this.happens(this.plan.loses, "lost")) return this.silence();
    return result;
  }

  /** The same request once more, later; nobody hears what is answered. */
  private async again<T>(work: (server: SimulatedServer) => Promise<T>): Promise<void> {
    await this.clock.sleep(STEP_MS * this.seeded.between(1, LATE_MS_MAX / STEP_MS));
    await work(this.seeded.pick(this.servers)).catch(() => undefined);
  }

  private async silence(ms = ANSWER_MS_MAX): Promise<never> {
    this.stats.unanswered++;
    await this.clock.sleep(ms);
    throw new Unanswered();
  }

  private delay(): Promise<void> {
    return this.clock.sleep(STEP_MS * this.seeded.between(1, DELAY_STEPS_MAX));
  }

  private happens(part: number, what: "lost" | "repeated" | "late"): boolean {
    if (part === 0 || this.seeded.next() >= part) return false;
    this.stats[what]++;
    return true;
  }
}
