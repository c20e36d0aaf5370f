/**
 * Topics of wake-ups. A signal carries no data and may come twice or late: who hears it looks at the database.
 * `queue` = a run was queued; `publishing` = a run has a result to finish; `forges` = a pull request
 * on a forge is to be looked at; `budgets` = a call waits for what others have set aside and do not need; `run:<id>`,
 * `connection:<id>` and `runner:<id>` = something about it changed; `workspace:<id>` = one of its work items changed;
 * `user:<id>` = there is news for a person.
 */
export type Topic =
  | "queue"
  | "publishing"
  | "forges"
  | "budgets"
  | `run:${number}`
  | `connection:${number}`
  | `runner:${number}`
  | `workspace:${number}`
  | `user:${string}`;

export interface Signals {
  /** Wakes every listener of the topic, in every server. Call it after the commit. Never rejects: a lost signal delays, no more. */
  notify(topic: Topic): Promise<void>;
  /** @returns a function that ends the subscription */
  listen(topic: Topic, listener: () => void): () => void;
}

/** Listeners of this process. PostgreSQL feeds one from its channel; with SQLite it is all there is. */
export class LocalSignals implements Signals {
  private readonly listeners = new Map<string, Set<() => void>>();

  async notify(topic: string): Promise<void> {
    for (const listener of this.listeners.get(topic) ?? []) listener();
  }

  /** Wakes everybody: after a lost connection nobody knows what was missed. */
  notifyAll(): void {
    for (const set of this.listeners.values()) for (const listener of set) listener();
  }

  /** Whether nobody listens. */
  get isQuiet(): boolean {
    return this.listeners.size === 0;
  }

  listen(topic: Topic, listener: () => void): () => void {
    const set = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0) this.listeners.delete(topic);
    };
  }
}

/** Resolves when the topic is signalled, after `timeoutMs`, or when `signal` aborts; never rejects. */
export function waitForSignal(
  signals: Signals,
  topic: Topic,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      stop();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    const stop = signals.listen(topic, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
