import { allows, type Role } from "@windshift/contract/api/workspace.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { type Signals, type Topic, waitForSignal } from "../db/signals.ts";
import type { Memberships } from "./access.ts";
import { type CallerPorts, findCaller } from "./principal.ts";

/** A comment line is sent this often when nothing happens, ms, so that proxies and clients keep the stream. */
const KEEPALIVE_MS = 15_000;
/** A watcher's right to look is asked again this often, ms: within 5 s of losing it the stream ends (WB-03). */
const RECHECK_MS = 4_000;
/** What happens within this time is sent together, ms: a person sees no difference, the database does. */
const GATHER_MS = 150;

export interface LiveSource {
  signals: Signals;
  topic: Topic;
  /** Asked from time to time; `false` ends the stream. */
  mayLook(): Promise<boolean>;
  /** The frames to send now, if any; called at the start, when the topic is signalled, and from time to time. */
  look(): Promise<string[]>;
}

/** Server-sent events of something that changes. The reader's pace sets ours: nothing is read that was not asked for. */
export function liveStream(source: LiveSource): Response {
  const gone = new AbortController();
  const frames = produceFrames(source, gone.signal);
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await frames.next();
      if (next.done) controller.close();
      else controller.enqueue(Buffer.from(next.value));
    },
    cancel: () => gone.abort(),
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

async function* produceFrames(source: LiveSource, gone: AbortSignal): AsyncGenerator<string> {
  let spokenAtMs = Date.now();
  let checkedAtMs = Date.now();
  yield "retry: 1000\n\n";
  while (!gone.aborted) {
    if (Date.now() - checkedAtMs >= RECHECK_MS) {
      if (!(await source.mayLook())) return;
      checkedAtMs = Date.now();
    }
    // Listens before it looks, so that nothing falls between.
    const leftMs = Math.max(0, checkedAtMs + RECHECK_MS - Date.now());
    const woken = waitForSignal(source.signals, source.topic, leftMs, gone);
    const frames = await source.look();
    for (const frame of frames) yield frame;
    if (frames.length > 0) spokenAtMs = Date.now();
    else if (Date.now() - spokenAtMs >= KEEPALIVE_MS) {
      spokenAtMs = Date.now();
      yield ": still here\n\n";
    }
    await woken;
    if (!gone.aborted) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
  }
}

/** One event of a stream. */
export function eventFrame(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Whether the credential of a request still is one and, when a workspace is given, opens it. For streams, again and again. */
export async function mayStillLook(
  headers: Headers,
  ports: CallerPorts & { memberships: Memberships },
  workspace?: { id: number; role: Role },
): Promise<boolean> {
  const principal = await findCaller(headers, ports)
    .then((caller) => caller.principal)
    .catch((error: unknown) => {
      if (error instanceof AppError && error.code === "unauthenticated") return undefined;
      throw error;
    });
  if (principal?.kind !== "person") return false;
  if (workspace === undefined) return true;
  const role = await ports.memberships.roleOf(workspace.id, principal.userId);
  return role !== undefined && allows(role, workspace.role);
}
