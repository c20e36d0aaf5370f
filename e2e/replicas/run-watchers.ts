import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { RunWatcher } from "./run-watcher.ts";

/** Browsers that each look at one run, whatever happens. */
export class RunWatchers {
  private readonly all: RunWatcher[] = [];
  private readonly ending = new AbortController();

  constructor(private readonly api: ApiClient) {}

  watch(run: number): void {
    this.all.push(new RunWatcher(this.api, run, this.ending.signal));
  }

  /** Streams that ended before their run did. */
  get broken(): number {
    return this.all.reduce((sum, one) => sum + one.broken, 0);
  }

  /**
   * What they have not seen (I7), asked for when all runs have ended. Nobody watches any more afterwards.
   * @param endMsMax within this they hear of the ends, ms
   */
  async missed(endMsMax: number): Promise<string[]> {
    const waiting = new Set(this.all);
    const isOver = new AbortController();
    await Promise.race([
      Promise.all(this.all.map((one) => one.done.then(() => waiting.delete(one)))),
      systemClock.sleep(endMsMax, isOver.signal),
    ]);
    isOver.abort();
    const late = [...waiting].map(
      ({ run }) => `I7 run ${run}: its watcher has not seen its end ${endMsMax} ms after all have ended`,
    );
    this.stop();
    const differences = await Promise.all(this.all.map((one) => one.differences()));
    return [...late, ...differences.flat()];
  }

  stop(): void {
    this.ending.abort();
  }
}
