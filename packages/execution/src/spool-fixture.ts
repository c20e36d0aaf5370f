import { AppError } from "@windshift/contract/app-error.ts";
import type { RunEvent } from "@windshift/contract/event.ts";
import { type AttemptResult, EventBatch } from "@windshift/contract/job.ts";
import type { HeldRun, WriteReply } from "./control-plane.ts";
import type { LeftoverPlane } from "./leftovers.ts";

/** What the server of a test does with one request that brings events. */
export type Mood = "takes" | "takes some" | "is away" | "loses the answer";

/** The server's side of events and results over HTTP: each event once, without gaps, and the same bytes under the same number. */
export class EventServer {
  readonly events: RunEvent[] = [];
  readonly results: AttemptResult[] = [];
  /** Starts of the runner that spoke. */
  readonly boots = new Set<string>();
  conflicts = 0;
  requests = 0;
  leaseLost = false;
  mood: () => Mood = () => "takes";
  private readonly server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => this.answer(request),
  });

  get url(): string {
    return this.server.url.href;
  }

  stop(): Promise<void> {
    return this.server.stop(true);
  }

  private async answer(request: Request): Promise<Response> {
    this.requests++;
    this.boots.add(request.headers.get("x-windshift-boot") ?? "");
    const body: unknown = await request.json();
    const mood = this.mood();
    if (mood === "is away") return new Response(null, { status: 503 });
    if (this.leaseLost) return new Response(null, { status: 409 });
    if (request.url.endsWith("/result")) this.results.push(body as AttemptResult);
    else this.take(EventBatch.parse(body).events, mood);
    return mood === "loses the answer"
      ? new Response(null, { status: 502 })
      : Response.json({ acked_seq: this.events.length });
  }

  private take(events: RunEvent[], mood: Mood): void {
    for (const event of mood === "takes some" ? events.slice(0, Math.ceil(events.length / 2)) : events) {
      const known = this.events[event.seq - 1];
      if (event.seq === this.events.length + 1) this.events.push(event);
      else if (JSON.stringify(known) !== JSON.stringify(event)) this.conflicts++;
    }
  }
}

/** The runner's side of it. */
export function httpPlane(url: string, boot: string): LeftoverPlane {
  const post = async (run: HeldRun, what: string, body: unknown): Promise<Response> => {
    const response = await fetch(`${url}runs/${run.run_id}/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-windshift-boot": boot },
      body: JSON.stringify(body),
    });
    if (response.status >= 500) throw new AppError("unavailable", `the server answered ${response.status}`);
    return response;
  };
  return {
    append: async (run, events): Promise<WriteReply> => {
      const response = await post(run, "events", { attempt: run.attempt, events });
      if (response.status === 409) return { kind: "lease_lost" };
      const { acked_seq: ackedSeq } = (await response.json()) as { acked_seq: number };
      return { kind: "accepted", ackedSeq };
    },
    report: async (run, result) =>
      (await post(run, "result", result)).status === 409 ? "lease_lost" : "accepted",
  };
}

export const SPOOLED_RESULT: AttemptResult = {
  attempt: 1 as AttemptResult["attempt"],
  isolation: "container",
  outcome: "completed",
  summary: "all done",
  failure: null,
  base_oid: null,
  head_oid: null,
  exit_code: 0,
};
