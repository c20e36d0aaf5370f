import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { EventPage } from "@windshift/contract/api/run.ts";

/** Wait before a stream that broke is asked for again, ms. */
const AGAIN_MS = 50;

/** A browser that looks at one run and comes back with the last id it has, whenever the stream breaks. */
export class RunWatcher {
  readonly ids: number[] = [];
  /** Streams that ended before the run did. */
  broken = 0;
  readonly done: Promise<void>;

  constructor(
    private readonly api: ApiClient,
    readonly run: number,
    signal: AbortSignal,
  ) {
    this.done = this.watch(signal);
  }

  /** What it has differently from what is stored; empty when it has each event once, in order (I7). */
  async differences(): Promise<string[]> {
    const stored: number[] = [];
    for (let after = 0; ; ) {
      const page = await this.api.get(
        `/api/v1/agent-runs/${this.run}/events?after=${after}&limit=500`,
        EventPage,
      );
      if (page.events.length === 0) break;
      stored.push(...page.events.map(({ id }) => id));
      after = page.next_after;
    }
    if (this.ids.join() === stored.join()) return [];
    return [`I7 run ${this.run}: ${stored.length} events are stored, its watcher has ${this.ids.length}`];
  }

  private async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.readOnce(signal)) return;
      this.broken++;
      await Bun.sleep(AGAIN_MS);
    }
  }

  /** @returns whether the run is over */
  private async readOnce(signal: AbortSignal): Promise<boolean> {
    const path = `/api/v1/agent-runs/${this.run}/events/stream?after=${this.ids.at(-1) ?? 0}`;
    try {
      for await (const { event, id } of this.api.events(path, signal)) {
        if (event === "event") this.ids.push(Number(id));
        if (event === "end") return true;
      }
    } catch {
      // As a browser does: it comes back.
    }
    return false;
  }
}
