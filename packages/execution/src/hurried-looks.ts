import { DiskShares } from "./disk-shares.ts";

/** Looks at checkouts that are taken before their time, at once: each reads a whole checkout, and one run's haste calls for all of them. */
const HURRIED_LOOKS_MAX = 2;

/** Lets few of the runs of a host look at their checkouts before it is time to. One for all of them. */
export class HurriedLooks {
  /** What those looks find when the disk is nearly full. */
  readonly shares = new DiskShares();
  private taken = 0;

  /** @returns what to call after the look; undefined when as many others are looking */
  tryTake(): (() => void) | undefined {
    if (this.taken >= HURRIED_LOOKS_MAX) return undefined;
    this.taken++;
    return () => {
      this.taken--;
    };
  }
}
