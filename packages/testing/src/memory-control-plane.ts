import type { RunEvent } from "@windshift/contract/event.ts";
import type { AttemptNotice, AttemptResult, JobSpec } from "@windshift/contract/job.ts";
import type { ControlPlane, WriteReply } from "@windshift/execution/control-plane.ts";

/** The server's side of one attempt, in memory, with the faults a test asks for. */
export class MemoryControlPlane implements ControlPlane {
  /** Stored events in order of arrival, each once. */
  readonly events: RunEvent[] = [];
  readonly results: AttemptResult[] = [];
  renewals = 0;
  appends = 0;
  reports = 0;
  /** Calls that fail as if the server were away. */
  failing = { renew: 0, append: 0, report: 0 };
  /** Appends that are stored and whose answer is lost. */
  unanswered = 0;
  leaseLost = false;
  private readonly waiting: AttemptNotice[] = [];
  private wake: (() => void) | undefined;

  async renew(): Promise<"held" | "lease_lost"> {
    this.renewals++;
    if (this.failing.renew-- > 0) throw new Error("server away");
    return this.leaseLost ? "lease_lost" : "held";
  }

  async append(_job: JobSpec, events: readonly RunEvent[]): Promise<WriteReply> {
    this.appends++;
    if (this.failing.append-- > 0) throw new Error("server away");
    if (this.leaseLost) return { kind: "lease_lost" };
    for (const event of events) if (event.seq === this.ackedSeq + 1) this.events.push(event);
    if (this.unanswered-- > 0) throw new Error("answer lost");
    return { kind: "accepted", ackedSeq: this.ackedSeq };
  }

  async report(_job: JobSpec, result: AttemptResult): Promise<"accepted" | "lease_lost"> {
    this.reports++;
    if (this.failing.report-- > 0) throw new Error("server away");
    if (this.leaseLost) return "lease_lost";
    this.results.push(result);
    return "accepted";
  }

  async *notices(_job: JobSpec, signal: AbortSignal): AsyncGenerator<AttemptNotice> {
    signal.addEventListener("abort", () => this.wake?.(), { once: true });
    while (!signal.aborted) {
      const notice = this.waiting.shift();
      if (notice !== undefined) yield notice;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** What a person or the sweep wants of the attempt. */
  notify(notice: AttemptNotice): void {
    this.waiting.push(notice);
    this.wake?.();
  }

  /** Phases the attempt went through. */
  get phases(): unknown[] {
    return this.events.map((event) => event.data.phase).filter((phase) => phase !== undefined);
  }

  /** Data of the events of one type. */
  dataOf(type: RunEvent["type"]): RunEvent["data"][] {
    return this.events.filter((event) => event.type === type).map((event) => event.data);
  }

  private get ackedSeq(): number {
    return this.events.at(-1)?.seq ?? 0;
  }
}
