/** One change of a run, or an effect of an attempt, as the database wrote it down. */
export interface Entry {
  id: number;
  /** Entries of one transaction have the same. */
  tx: number;
  kind: "run" | "event" | "result" | "push";
  run: number;
  /** Whose effect it is; for `run` the run's attempt. */
  attempt: number;
  /** The run's attempt at that moment. */
  current: number;
  /** 1 while a runner holds the run; for an effect, while it held it before. */
  live: number;
  status: string;
  phase: string | null;
  runner: number | null;
  pool: number;
  workspace: number;
  item: number;
  agent: string;
}

export interface Caps {
  /** Runs at once, by pool. */
  pools: ReadonlyMap<number, number>;
  /** Runs at once, by runner; more come while it goes on. */
  runners: ReadonlyMap<number, number>;
  /** Pools in which every run may go to every runner: there the turns are compared. */
  plainPools: ReadonlySet<number>;
}

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled", "killed"]);
/** Of a world in which all is wrong the first violations tell enough. */
const VIOLATIONS_MAX = 20;

/** Follows every change of a world's runs and tells what must not be. It knows the rules, not the code. */
export class Auditor {
  readonly violations: string[] = [];
  readonly counts = { claims: 0, effects: 0, endings: {} as Record<string, number>, interrupted: 0 };
  private readonly runs = new Map<number, Entry>();
  private readonly heldOfPool = new Map<number, number>();
  private readonly heldOfRunner = new Map<number, number>();
  /** Runs of an agent on an item that have not ended. */
  private readonly active = new Map<string, number>();
  /** By pool and workspace. */
  private readonly heldOfPlace = new Map<string, number>();
  private readonly queuedOfPlace = new Map<string, number>();
  /** Places that got runs in this transaction. */
  private claimed = new Set<string>();
  private touched = new Set<Entry>();
  private tx = 0;

  constructor(private readonly caps: Caps) {}

  follow(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.tx !== this.tx) this.endTransaction();
      this.tx = entry.tx;
      if (entry.kind === "run") this.followRun(entry);
      else this.followEffect(entry);
    }
    this.endTransaction();
  }

  /** Runs that have not ended. */
  open(): Entry[] {
    return [...this.runs.values()].filter(({ status }) => !TERMINAL.has(status));
  }

  find(run: number): Entry | undefined {
    return this.runs.get(run);
  }

  /** How many have not ended. */
  openCount = 0;

  get size(): number {
    return this.runs.size;
  }

  tell(violation: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(violation);
  }

  private followRun(entry: Entry): void {
    const before = this.runs.get(entry.run);
    const where = `run ${entry.run} (entry ${entry.id})`;
    if (before !== undefined && TERMINAL.has(before.status))
      this.tell(`I1 ${where} ended as ${before.status} and then was ${entry.status}`);
    const wasAttempt = before?.attempt ?? 0;
    if (entry.attempt < wasAttempt)
      this.tell(`I2 ${where}: attempt ${wasAttempt} went back to ${entry.attempt}`);
    if (entry.attempt > wasAttempt) this.followClaim(before, entry, where);
    if (
      before?.live === 1 &&
      entry.live === 1 &&
      before.attempt === entry.attempt &&
      before.runner !== entry.runner
    )
      this.tell(`I2 ${where}: attempt ${entry.attempt} went from runner ${before.runner} to ${entry.runner}`);
    if (before !== undefined) this.count(before, -1);
    this.count(entry, 1);
    this.runs.set(entry.run, entry);
    this.touched.add(entry);
    if (TERMINAL.has(entry.status)) add(this.counts.endings, entry.status);
    if (before?.live === 1 && entry.status === "queued") this.counts.interrupted++;
  }

  private followClaim(before: Entry | undefined, entry: Entry, where: string): void {
    this.counts.claims++;
    if (entry.attempt !== (before?.attempt ?? 0) + 1)
      this.tell(`I2 ${where}: attempt ${entry.attempt} came too early`);
    if (before?.status !== "queued") this.tell(`I2 ${where} was claimed while it was ${before?.status}`);
    if (entry.live !== 1 || entry.runner === null) this.tell(`I2 ${where} was claimed by nobody`);
    this.claimed.add(placeOf(entry));
  }

  private followEffect(entry: Entry): void {
    this.counts.effects++;
    const where = `run ${entry.run}: ${entry.kind} of attempt ${entry.attempt} (entry ${entry.id})`;
    if (entry.attempt !== entry.current)
      this.tell(`I2 ${where} was taken while attempt ${entry.current} counted`);
    else if (entry.live !== 1) this.tell(`I2 ${where} was taken although no runner held the run`);
  }

  private count(entry: Entry, by: 1 | -1): void {
    if (entry.live === 1) {
      bump(this.heldOfPool, entry.pool, by);
      if (entry.runner !== null) bump(this.heldOfRunner, entry.runner, by);
      bump(this.heldOfPlace, placeOf(entry), by);
    }
    if (entry.status === "queued") bump(this.queuedOfPlace, placeOf(entry), by);
    if (!TERMINAL.has(entry.status)) this.openCount += by;
    if (!TERMINAL.has(entry.status)) bump(this.active, `${entry.item} ${entry.agent}`, by);
  }

  /** What has to hold at every commit. */
  private endTransaction(): void {
    for (const { pool, runner, item, agent, live } of this.touched) {
      const active = this.active.get(`${item} ${agent}`) ?? 0;
      if (active > 1) this.tell(`I11 ${active} active runs of one agent on item ${item}`);
      if (live !== 1 || runner === null) continue;
      this.holdCap("pool", pool, this.heldOfPool, this.caps.pools);
      this.holdCap("runner", runner, this.heldOfRunner, this.caps.runners);
    }
    for (const place of this.claimed) this.compareTurns(place);
    if (this.touched.size > 0) this.touched = new Set();
    if (this.claimed.size > 0) this.claimed = new Set();
  }

  private holdCap(
    what: string,
    id: number,
    held: ReadonlyMap<number, number>,
    caps: ReadonlyMap<number, number>,
  ) {
    const count = held.get(id) ?? 0;
    const cap = caps.get(id);
    if (cap !== undefined && count > cap) this.tell(`I11 ${count} runs of ${what} ${id}, which takes ${cap}`);
  }

  /** Who got a run has, but for that one, no more than any other that still waits. */
  private compareTurns(place: string): void {
    const [pool = ""] = place.split(" ");
    if (!this.caps.plainPools.has(Number(pool))) return;
    const held = this.heldOfPlace.get(place) ?? 0;
    for (const [other, queued] of this.queuedOfPlace) {
      if (queued === 0 || other === place || !other.startsWith(`${pool} `)) continue;
      const others = this.heldOfPlace.get(other) ?? 0;
      if (held - 1 > others)
        this.tell(
          `I15 pool and workspace ${place} got a run and has ${held}, while ${other} waits with ${others}`,
        );
    }
  }
}

function placeOf({ pool, workspace }: Entry): string {
  return `${pool} ${workspace}`;
}

function bump<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
