/** A write of a runner that the server answered with success, as it went over the wire. */
export interface Acknowledged {
  kind: "events" | "result";
  run: number;
  attempt: number;
  /** Events up to this number are stored; 0 for a result. */
  seq: number;
  atMs: number;
}

/** What is done to one exchange. `lose`: the server's answer never arrives. `repeat`: the request reaches the server again, twice. */
export type Mischief = "lose" | "repeat";

/** Requests of which one can be lost or repeated, told by what their path has. */
export type Target = "register" | "claim" | "heartbeat" | "events" | "result";

const PATHS: Record<Target, RegExp> = {
  register: /^POST \/api\/runner\/register /,
  claim: /^POST \/api\/runner\/claim\?/,
  heartbeat: /^POST \/api\/runner\/heartbeat /,
  events: /^POST \/api\/runner\/runs\/\d+\/events /,
  result: /^POST \/api\/runner\/runs\/\d+\/result /,
};
/** A request of the control plane is smaller, bytes; of what is larger only the beginning is looked at. */
const REQUEST_BYTES_MAX = 400_000;
const REPLY_BYTES_MAX = 4_000;

/** Reads along on one connection: requests follow each other on it, each after the answer to the one before. */
export class Exchange {
  private request = "";
  private reply = "";
  private answered = true;

  constructor(private readonly onAcknowledged: (acknowledged: Acknowledged) => void) {}

  takeRequest(chunk: Buffer): void {
    if (this.answered) this.request = this.reply = "";
    this.answered = false;
    if (this.request.length < REQUEST_BYTES_MAX) this.request += chunk.toString("latin1");
  }

  /** @returns what the answer is to, and the request, at its first piece */
  takeReply(chunk: Buffer): { target: Target | undefined; request: string; hasJob: boolean } | undefined {
    const first = !this.answered;
    this.answered = true;
    if (this.reply.length < REPLY_BYTES_MAX) {
      this.reply += chunk.toString("latin1");
      this.note();
    }
    if (!first) return undefined;
    const target = (Object.keys(PATHS) as Target[]).find((name) => PATHS[name].test(this.request));
    return { target, request: this.request, hasJob: this.reply.includes('{"job":{') };
  }

  private note(): void {
    if (!this.reply.startsWith("HTTP/1.1 200")) return;
    const run = Number(/^POST \/api\/runner\/runs\/(\d+)\//.exec(this.request)?.[1] ?? 0);
    const attempt = Number(/"attempt":(\d+)/.exec(this.request)?.[1] ?? 0);
    if (run === 0 || attempt === 0) return;
    const seq = /"acked_seq":(\d+)/.exec(this.reply)?.[1];
    const at = { run, attempt, atMs: Date.now() };
    if (seq !== undefined) this.onAcknowledged({ kind: "events", seq: Number(seq), ...at });
    else if (this.reply.includes('"accepted"')) this.onAcknowledged({ kind: "result", seq: 0, ...at });
  }
}
