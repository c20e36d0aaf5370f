import type { Signals } from "../db/signals.ts";

/** How long a look at the database answers for a token, ms. A wake-up of the run ends it at once; this bounds one that was lost. */
const LOOK_MS = 1_000;
/** A look that is older when another is due is renewed with it, ms, so that the looks of many runs are one. */
const RENEW_AFTER_MS = LOOK_MS / 2;
/** Looks that are kept; far more than runs that call models at once. */
const LOOKS_MAX = 10_000;
/** Tokens that are looked up in one statement. */
const TOGETHER_MAX = 500;

/** Hears of changes of one run, from before it is read on. */
export class RunWatch {
  changed = false;
  onChange: (() => void) | undefined;
  readonly stop: () => void;

  constructor(signals: Pick<Signals, "listen">, runId: number) {
    this.stop = signals.listen(`run:${runId}`, () => {
      this.changed = true;
      this.onChange?.();
    });
  }
}

/** What was found for one token. */
export interface Found<T> {
  grant: T;
  watch: RunWatch;
}

/** Found, or why it may not be had; a token that is not in the answer is not known. */
export type Answers<T> = Map<string, Found<T> | Error>;

interface Look<T> {
  found: Found<T>;
  untilMs: number;
  readAtMs: number;
  /** Since it was read. */
  used: boolean;
}

interface Batch<T> {
  keys: Set<string>;
  answers: Promise<Answers<T>>;
}

/**
 * What the database said of tokens, believed for a second. Those that are asked for at the same moment are looked up
 * together, and with them those in use whose second is half over: what that costs hardly grows with the runs at work.
 */
export class GrantLooks<T> {
  private readonly looks = new Map<string, Look<T>>();
  /** Keys that are being looked up. */
  private readonly asked = new Map<string, Batch<T>>();
  /** Not sent yet. */
  private next: Batch<T> | undefined;

  /** @param read says how it stands after it was called */
  constructor(private readonly read: (keys: readonly string[]) => Promise<Answers<T>>) {}

  /** @throws the error that was found in its place, and when the database does not answer */
  async find(key: string): Promise<T | undefined> {
    const known = this.looks.get(key);
    if (known !== undefined && performance.now() < known.untilMs) {
      known.used = true;
      return known.found.grant;
    }
    const batch = this.asked.get(key) ?? this.ask(key);
    const found = (await batch.answers).get(key);
    if (found instanceof Error) throw found;
    return found?.grant;
  }

  /** Whether what was found for the key is believed. */
  believes(key: string, grant: T): boolean {
    return this.looks.get(key)?.found.grant === grant;
  }

  private ask(key: string): Batch<T> {
    this.next ??= this.createBatch();
    this.next.keys.add(key);
    this.asked.set(key, this.next);
    return this.next;
  }

  private createBatch(): Batch<T> {
    const keys = new Set<string>();
    // After the calls that arrived at the same moment.
    const turn = new Promise<void>((resolve) => setImmediate(resolve));
    const answers = turn.then(() => this.send(keys));
    return { keys, answers };
  }

  private async send(keys: Set<string>): Promise<Answers<T>> {
    const batch = this.next as Batch<T>;
    this.next = undefined;
    const nowMs = performance.now();
    for (const [key, look] of this.looks) {
      if (keys.size >= TOGETHER_MAX) break;
      if (!look.used || nowMs - look.readAtMs < RENEW_AFTER_MS || this.asked.has(key)) continue;
      keys.add(key);
      this.asked.set(key, batch);
    }
    const before = new Map([...keys].map((key) => [key, this.looks.get(key)]));
    try {
      const answers = await this.read([...keys]);
      for (const key of keys) {
        // One that was forgotten meanwhile had changed, maybe behind the read's back.
        const isCurrent = this.looks.get(key) === before.get(key);
        this.keep(key, answers.get(key), nowMs, isCurrent);
      }
      return answers;
    } finally {
      for (const key of keys) this.asked.delete(key);
    }
  }

  private keep(key: string, found: Found<T> | Error | undefined, readAtMs: number, isCurrent: boolean): void {
    this.forget(key);
    if (found === undefined || found instanceof Error) return;
    if (found.watch.changed || !isCurrent) {
      found.watch.stop();
      return;
    }
    if (this.looks.size >= LOOKS_MAX) for (const old of [...this.looks.keys()]) this.forget(old);
    this.looks.set(key, { found, readAtMs, untilMs: readAtMs + LOOK_MS, used: false });
    found.watch.onChange = () => this.forget(key);
  }

  private forget(key: string): void {
    this.looks.get(key)?.found.watch.stop();
    this.looks.delete(key);
  }
}
