import { type InspectionJob, type InspectionPlace, InspectionReply } from "./inspection-job.ts";
import { TurnQueue } from "./turn-queue.ts";

/** Inspections at once; further ones wait. Each is a process of some 60 MB while it works. */
export const INSPECTIONS_MAX = 2;
/** A whole inspection ends within this, ms; what is slower is a trap. */
export const INSPECTION_MS_MAX = 120_000;
/** The search for credentials, the last part of it, ends within this, ms; then it is killed and the push says so. */
export const INSPECTION_SEARCH_MS_MAX = 20_000;
/** How long a process waits for the next push before it ends, ms: long enough for the retry of one push, short enough to leave no trace in an idle server. */
export const INSPECTION_IDLE_MS = 30_000;
/** One answer of the process, bytes: the findings it may name, with room. More would be held in the server's memory. */
export const INSPECTION_LINE_BYTES_MAX = 4 * 1_048_576;

type Ended = Exclude<InspectionReply, { kind: "looked_at" }>;

/** The processes that look into pushes. They start when they are needed and end when they are not. */
export class InspectionProcesses {
  private readonly idle: InspectionProcess[] = [];
  private readonly turns = new TurnQueue(INSPECTIONS_MAX);

  /** @param command a program that calls runInspections; absolute, nothing is looked up */
  constructor(private readonly command: readonly string[]) {}

  /** Has a process ready soon: a client that asks where the branch stands will push next. */
  warm(): void {
    if (this.idle.length === 0 && this.turns.taken < INSPECTIONS_MAX)
      this.keep(new InspectionProcess(this.command));
  }

  /** A push will lie there soon: a process without work gets ready to read it. */
  expect(place: InspectionPlace): void {
    this.warm();
    const child = this.idle.find((one) => one.place === undefined) ?? this.idle[0];
    child?.expect(place);
  }

  /**
   * @param run whose push it is: runs take turns
   * @throws when the process cannot do its work or takes too long, or the client left
   */
  async run(run: number, job: InspectionJob, signal: AbortSignal): Promise<Ended> {
    const done = await this.turns.take(run, signal);
    const child = this.takeIdle(job.git_dir) ?? new InspectionProcess(this.command);
    try {
      const ended = await child.ask(job, signal);
      if (child.alive) this.keep(child);
      return ended;
    } catch (error) {
      child.end();
      throw error;
    } finally {
      done();
    }
  }

  /** Ends all that wait for work. */
  close(): void {
    for (const child of this.idle.splice(0)) child.end();
  }

  /** The one that is ready for this place, or one that is ready for none, or any. */
  private takeIdle(gitDir: string): InspectionProcess | undefined {
    const child =
      this.idle.find(({ place }) => place === gitDir) ??
      this.idle.find(({ place }) => place === undefined) ??
      this.idle[0];
    if (child !== undefined) this.idle.splice(this.idle.indexOf(child), 1);
    return child;
  }

  private keep(child: InspectionProcess): void {
    this.idle.push(child);
    child.afterIdle(() => {
      const at = this.idle.indexOf(child);
      if (at >= 0) this.idle.splice(at, 1);
      child.end();
    });
  }
}

class InspectionProcess {
  private readonly child: Bun.Subprocess<"pipe", "pipe", "ignore">;
  private readonly chunks: ReadableStreamDefaultReader<Uint8Array>;
  private held: Uint8Array = new Uint8Array();
  private idleTimer: Timer | undefined;
  /** The quarantine whose objects it is ready to read. */
  place: string | undefined;

  constructor(command: readonly string[]) {
    this.child = Bun.spawn([...command], {
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nonexistent", LC_ALL: "C.UTF-8" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
    this.child.unref();
    this.chunks = this.child.stdout.getReader();
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  expect(place: InspectionPlace): void {
    this.place = place.git_dir;
    this.tell(place).catch(() => this.end()); // it ended; whoever asks it next hears of it
  }

  async ask(job: InspectionJob, signal: AbortSignal): Promise<Ended> {
    clearTimeout(this.idleTimer);
    this.place = undefined;
    let timer = setTimeout(() => this.end(), INSPECTION_MS_MAX);
    const onAbort = () => this.end();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    let lookedAt: Extract<InspectionReply, { kind: "looked_at" }> | undefined;
    try {
      await this.tell(job);
      for (;;) {
        const line = await this.line();
        if (line === undefined) return this.cutShort(lookedAt, signal);
        const reply = InspectionReply.parse(JSON.parse(line));
        if (reply.kind !== "looked_at") return reply;
        lookedAt = reply;
        clearTimeout(timer);
        timer = setTimeout(() => this.end(), INSPECTION_SEARCH_MS_MAX);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  private async tell(line: InspectionPlace | InspectionJob): Promise<void> {
    this.child.stdin.write(`${JSON.stringify(line)}\n`);
    await this.child.stdin.flush();
  }

  afterIdle(then: () => void): void {
    this.idleTimer = setTimeout(then, INSPECTION_IDLE_MS);
    this.idleTimer.unref();
  }

  end(): void {
    clearTimeout(this.idleTimer);
    this.child.kill("SIGKILL");
  }

  private cutShort(known: { findings: unknown } | undefined, signal: AbortSignal): Ended {
    if (known === undefined || signal.aborted)
      throw new Error(
        `the inspection of a push ended early (${this.child.signalCode ?? this.child.exitCode})`,
      );
    const { findings } = known as Extract<InspectionReply, { kind: "looked_at" }>;
    const what = "the search for credentials took too long and was given up";
    return { kind: "done", findings: [...findings, { kind: "not_scanned", path: "(all files)", what }] };
  }

  /** Each byte is looked at once, however long the line is. */
  private async line(): Promise<string | undefined> {
    const parts: Uint8Array[] = [];
    for (let [chunk, bytes] = [this.held, 0]; ; ) {
      const end = chunk.indexOf(10);
      parts.push(end < 0 ? chunk : chunk.subarray(0, end));
      bytes += chunk.length;
      if (end >= 0) {
        this.held = chunk.subarray(end + 1);
        return Buffer.concat(parts).toString("utf8");
      }
      if (bytes > INSPECTION_LINE_BYTES_MAX)
        throw new Error(`the inspection of a push answered more than ${INSPECTION_LINE_BYTES_MAX} bytes`);
      const { done, value } = await this.chunks.read();
      if (done) return undefined;
      chunk = value;
    }
  }
}
