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

export interface Watched {
  signals: Signals;
  topic: Topic;
  /** Asked from time to time; `false` ends the stream. */
  mayLook(): Promise<boolean>;
}

export interface LiveSource extends Watched {
  /** The frames to send now, if any; called at the start, when the topic is signalled, and from time to time. */
  look(): Promise<string[]>;
}

/** What follows when a look has given its frames: the next signal is waited for, or not, or there is no more to come. */
export type AfterLook = "wait" | "again" | "end";

export interface PacedSource extends Watched {
  /** As of LiveSource; a frame is made once the reader asks for it. */
  look(): AsyncGenerator<string, AfterLook>;
  /** Waited after a signal, so that what happens within this time is sent together, ms. */
  gatherMs: number;
}

/** Server-sent events of something that changes. The reader's pace sets ours: nothing is read that was not asked for. */
export function liveStream(source: LiveSource): Response {
  const stream = pacedStream({
    ...source,
    gatherMs: GATHER_MS,
    look: async function* () {
      yield* await source.look();
      return "wait";
    },
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

/** The same for one that makes its frames one by one, and knows when no more will come. */
export function pacedStream(source: PacedSource): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const frames = produceFrames(source, gone.signal);
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await frames.next();
      if (next.done) controller.close();
      else controller.enqueue(Buffer.from(next.value));
    },
    cancel: () => gone.abort(),
  });
}

async function* produceFrames(source: PacedSource, gone: AbortSignal): AsyncGenerator<string> {
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
    const frames = source.look();
    let given = await frames.next();
    if (!given.done) spokenAtMs = Date.now();
    for (; !given.done; given = await frames.next()) yield given.value;
    if (given.value === "end") return;
    if (given.value === "again") continue;
    if (Date.now() - spokenAtMs >= KEEPALIVE_MS) {
      spokenAtMs = Date.now();
      yield ": still here\n\n";
    }
    await woken;
    if (!gone.aborted && source.gatherMs > 0)
      await new Promise((resolve) => setTimeout(resolve, source.gatherMs));
  }
}

/** One event of a stream. @param data an object, or what is JSON already @param id for Last-Event-ID */
export function eventFrame(event: string, data: object | string, id?: number): string {
  const json = typeof data === "string" ? data : JSON.stringify(data);
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`;
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
