import type { Signals } from "../db/signals.ts";

/** How long a look at the database answers for a token, ms. A wake-up of the run ends it at once; this bounds one that was lost. */
const LOOK_MS = 1_000;
/** Time between renewals, ms, each of all looks in use: a renewal may take the rest of `LOOK_MS` and none expires. */
const RENEW_MS = 800;
/** A look that no call used for this long is not renewed but forgotten, ms: most commands of agents end within. */
const UNUSED_MS_MAX = 60_000;
/** Looks that are kept; far more than runs that call models at once. */
const LOOKS_MAX = 10_000;
/** Tokens that are looked up in one statement: one of them holds up other calls for a millisecond. */
const TOGETHER_MAX = 256;

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

/**
 * Says how it stands after it was called.
 * @param known what is believed of a token; to be given back as it is when nothing has changed
 */
export type ReadGrants<T> = (
  keys: readonly string[],
  known: (key: string) => Found<T> | undefined,
) => Promise<Answers<T>>;

interface Look<T> {
  found: Found<T>;
  /** Until when it is believed. */
  untilMs: number;
  /** By a call. */
  usedAtMs: number;
}

interface Batch<T> {
  keys: Set<string>;
  answers: Promise<Answers<T>>;
}

/**
 * What the database said of tokens, believed for a second. Those that are asked for at the same moment are looked up
 * together. Looks are renewed as long as their runs call models, so that a call which comes after a pause finds one.
 */
export class GrantLooks<T> {
  private readonly looks = new Map<string, Look<T>>();
  /** Keys that are being looked up. */
  private readonly asked = new Map<string, Promise<Answers<T>>>();
  /** What calls wait for, not sent yet. */
  private next: Batch<T> | undefined;
  private renewal: Timer | undefined;

  constructor(
    private readonly read: ReadGrants<T>,
    private readonly unusedMsMax = UNUSED_MS_MAX,
  ) {}

  /** @throws the error that was found in its place, and when the database does not answer */
  async find(key: string): Promise<T | undefined> {
    const known = this.looks.get(key);
    const nowMs = performance.now();
    if (known !== undefined && nowMs < known.untilMs) {
      known.usedAtMs = nowMs;
      return known.found.grant;
    }
    const found = (await (this.asked.get(key) ?? this.ask(key))).get(key);
    const look = this.looks.get(key);
    if (look !== undefined) look.usedAtMs = nowMs;
    if (found instanceof Error) throw found;
    return found?.grant;
  }

  /** Whether what was found for the key is believed. */
  believes(key: string, grant: T): boolean {
    const look = this.looks.get(key);
    return look !== undefined && look.found.grant === grant && performance.now() < look.untilMs;
  }

  private ask(key: string): Promise<Answers<T>> {
    if (this.next === undefined || this.next.keys.size >= TOGETHER_MAX) this.next = this.createBatch();
    const { keys, answers } = this.next;
    keys.add(key);
    this.asked.set(key, answers);
    return answers;
  }

  private createBatch(): Batch<T> {
    const keys = new Set<string>();
    const answers = nextTurn().then(() => {
      if (this.next === batch) this.next = undefined;
      return this.send([...keys]);
    });
    const batch = { keys, answers };
    return batch;
  }

  private async send(keys: readonly string[]): Promise<Answers<T>> {
    const nowMs = performance.now();
    const before = new Map(keys.map((key) => [key, this.looks.get(key)]));
    try {
      const answers = await this.read(keys, (key) => this.looks.get(key)?.found);
      for (const key of keys) this.keep(key, answers.get(key), nowMs, before.get(key));
      return answers;
    } finally {
      for (const key of keys) this.asked.delete(key);
    }
  }

  private keep(
    key: string,
    found: Found<T> | Error | undefined,
    readAtMs: number,
    before: Look<T> | undefined,
  ): void {
    const look = this.looks.get(key);
    // One that was forgotten meanwhile had changed, maybe behind the read's back.
    const isCurrent = look === before;
    const untilMs = readAtMs + LOOK_MS;
    if (look !== undefined && isCurrent && look.found === found) {
      look.untilMs = untilMs;
      return;
    }
    this.forget(key);
    if (found === undefined || found instanceof Error) return;
    if (found.watch.changed || !isCurrent) {
      found.watch.stop();
      return;
    }
    if (this.looks.size >= LOOKS_MAX) for (const old of [...this.looks.keys()]) this.forget(old);
    this.looks.set(key, { found, untilMs, usedAtMs: look?.usedAtMs ?? readAtMs });
    found.watch.onChange = () => this.forget(key);
    this.renewLater();
  }

  private forget(key: string): void {
    this.looks.get(key)?.found.watch.stop();
    this.looks.delete(key);
  }

  private renewLater(): void {
    this.renewal ??= setTimeout(() => void this.renew(), RENEW_MS).unref();
  }

  private async renew(): Promise<void> {
    const usedSinceMs = performance.now() - this.unusedMsMax;
    for (const [key, { usedAtMs }] of this.looks) if (usedAtMs <= usedSinceMs) this.forget(key);
    const keys = [...this.looks.keys()];
    for (let at = 0; at < keys.length; at += TOGETHER_MAX)
      await this.renewTogether(keys.slice(at, at + TOGETHER_MAX));
    this.renewal = undefined;
    if (this.looks.size > 0) this.renewLater();
  }

  /** Never rejects: what cannot be renewed is forgotten, and the next call is told why. */
  private async renewTogether(keys: readonly string[]): Promise<void> {
    await nextTurn();
    const due = keys.filter((key) => this.looks.has(key) && !this.asked.has(key));
    if (due.length === 0) return;
    const answers = this.send(due);
    for (const key of due) this.asked.set(key, answers);
    await answers.catch(() => {
      for (const key of due) this.forget(key);
    });
  }
}

/** After the calls that arrived at the same moment. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
