import type { Clock } from "@windshift/base/clock.ts";
import type { AttemptNotice, JobSpec } from "@windshift/contract/job.ts";
import type { AttemptNews, NoticesRequest } from "@windshift/contract/runner.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { retryWaitMs } from "@windshift/execution/retry-wait.ts";

type Held = NoticesRequest["held"][number];
/** Asks for news of what is held, waiting for some; empty when none came. */
export type AskForNews = (held: readonly Held[], signal: AbortSignal) => Promise<readonly AttemptNews[]>;

export interface NoticeHubOptions {
  ask: AskForNews;
  clock: Clock;
  log: JobLog;
}

/** Waits between tries when the server cannot be reached, ms: a cancel is heard soon after it is back. */
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 15_000;

interface Follower {
  held: Held;
  waiting: AttemptNotice[];
  wake: () => void;
}

/** One waiting request for the news of all jobs of this host, dealt out to each. Asked anew when a job begins or ends. */
export class NoticeHub {
  private readonly followers = new Map<string, Follower>();
  private changed = new AbortController();
  private asking: Promise<void> | undefined;

  constructor(private readonly options: NoticeHubOptions) {}

  /** For `ControlPlane.notices`: ends when `signal` aborts or the attempt is another's. */
  async *follow(job: JobSpec, signal: AbortSignal): AsyncIterable<AttemptNotice> {
    const key = keyOf(job.run_id, job.attempt);
    const held: Held = { run: job.run_id, attempt: job.attempt, after_message: 0, known: "running" };
    const follower: Follower = { held, waiting: [], wake: () => undefined };
    const stop = () => follower.wake();
    signal.addEventListener("abort", stop, { once: true });
    this.followers.set(key, follower);
    this.change();
    try {
      while (!signal.aborted) {
        const notice = follower.waiting.shift();
        if (notice === undefined) {
          const { promise, resolve } = Promise.withResolvers<void>();
          follower.wake = resolve;
          if (follower.waiting.length === 0 && !signal.aborted) await promise;
          continue;
        }
        yield notice;
        if (notice.kind === "lease_lost") return;
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.followers.delete(key);
      this.change();
    }
  }

  private change(): void {
    this.changed.abort();
    this.changed = new AbortController();
    this.asking ??= this.askOn().finally(() => {
      this.asking = undefined;
    });
  }

  private async askOn(): Promise<void> {
    const { ask, clock, log } = this.options;
    for (let failures = 0; this.followers.size > 0; ) {
      const { signal } = this.changed;
      try {
        const news = await ask(
          [...this.followers.values()].map(({ held }) => held),
          signal,
        );
        failures = 0;
        for (const one of news) this.deal(one);
      } catch (error) {
        if (signal.aborted) continue;
        failures++;
        log.warn("news of the runs cannot be heard; trying again", { tries: failures, error });
        await clock.sleep(retryWaitMs(error, failures, RETRY_MS_FIRST, RETRY_MS_MAX), signal);
      }
    }
  }

  private deal(news: AttemptNews): void {
    const follower = this.followers.get(keyOf(news.run, news.attempt));
    if (follower === undefined) return;
    const { held } = follower;
    switch (news.kind) {
      case "cancel":
        held.known = news.force ? "killing" : "canceling";
        follower.waiting.push({ kind: "cancel", force: news.force });
        break;
      case "lease_lost":
        follower.waiting.push({ kind: "lease_lost" });
        break;
      case "message":
        if (news.id <= held.after_message) return;
        held.after_message = news.id;
        follower.waiting.push({ kind: "message", id: String(news.id), text: news.text });
    }
    follower.wake();
  }
}

function keyOf(run: number, attempt: number): string {
  return `${run}-${attempt}`;
}
