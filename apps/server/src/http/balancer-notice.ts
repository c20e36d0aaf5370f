import { AppError } from "@windshift/contract/app-error.ts";
import { errorResponse } from "./error-reply.ts";

/** So long nobody asks for anything: the balancer has heard, and nothing comes in the moment the port is closed. ms */
const QUIET_MS = 250;
/** Of a notice, ms. With the five seconds for what was asked before it leaves time of the ten that `docker stop` waits; see server-end.ts. */
const NOTICE_MS_MAX = 3_000;
const READY = "/readyz";
/** git does not ask twice when nobody does so in its place: a push or a clone would be lost that can be answered. */
const GIT = "/api/git-proxy/";

/**
 * Tells a balancer of several servers that this one ends, in the words that each one understands: `/readyz` is 503, and who reads is hung up on without an
 * answer. A balancer then asks another server, since a reading may be repeated, and leaves this one alone for a while; what may not be
 * repeated is answered as ever. The port is closed once nobody comes any more: a request that waits in the kernel for a port that
 * closes is lost, and a balancer cannot know whether it may send it again.
 */
export class BalancerNotice {
  private isGiven = false;
  private askedAtMs = 0;

  /** Every request comes by here. @returns what to answer in place of the answer, when it is sent elsewhere */
  take(request: Request, path: string, isWaiting: boolean): Response | undefined {
    if (!this.isGiven) return undefined;
    if (path === READY)
      return errorResponse(new AppError("unavailable", "the server is ending; ask another"));
    // A host that waits for work asks once in a long while, and is answered at the end.
    if (!isWaiting) this.askedAtMs = performance.now();
    return request.method === "GET" && !path.startsWith(GIT) ? hangUp() : undefined;
  }

  /** Resolves when nobody has asked for a while, or it has taken too long: somebody may be sent here by nobody. */
  async give(): Promise<void> {
    this.isGiven = true;
    const givenAtMs = performance.now();
    this.askedAtMs = givenAtMs;
    for (;;) {
      const nowMs = performance.now();
      const leftMs = Math.min(this.askedAtMs + QUIET_MS, givenAtMs + NOTICE_MS_MAX) - nowMs;
      if (leftMs <= 0) return;
      await Bun.sleep(leftMs);
      // A machine that stood still wakes timers first: what came meanwhile is read before anything is decided.
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    }
  }
}

/** A body that fails before its first byte: the connection is closed, and not even a status is sent. Without a reason, so that none is logged. */
function hangUp(): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.error() }));
}
