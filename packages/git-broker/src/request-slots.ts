import { READER_IDLE_MS_MAX, readBody } from "./read-body.ts";
import { refusal } from "./refusal.ts";

/** Requests of one run that are served at once: a clone or a push is two, one after the other. Each may be a git process. */
export const GIT_REQUESTS_OF_RUN_MAX = 8;
/** Requests that one server serves at once, of all runs: at some 10 MB of git each. */
export const GIT_REQUESTS_MAX = 128;

/** How many requests are being served; a run that half-sends many cannot take the machine. */
export class RequestSlots {
  private readonly runs = new Map<number, number>();
  private open = 0;

  constructor(private readonly readerIdleMsMax = READER_IDLE_MS_MAX) {}

  /**
   * Serves a request when there is room; its place is free again when its answer was read to the end, or the client left
   * or stopped reading.
   * @param streams whether its answer comes from a git that still works; else the place is free when the answer is made
   */
  async serve(
    { run, streams, signal }: { run: number; streams: boolean; signal: AbortSignal },
    work: () => Promise<Response>,
  ): Promise<Response> {
    const ofRun = this.runs.get(run) ?? 0;
    if (ofRun >= GIT_REQUESTS_OF_RUN_MAX)
      return refusal(429, `this run has ${ofRun} git requests open; let one of them end first`);
    if (this.open >= GIT_REQUESTS_MAX) return refusal(503, "too many git requests at once; try again soon");
    const free = this.take(run);
    try {
      const response = await work();
      if (!streams || response.body === null || signal.aborted) {
        free();
        return response;
      }
      signal.addEventListener("abort", free, { once: true });
      return new Response(readBody(response.body, free, this.readerIdleMsMax), response);
    } catch (error) {
      free();
      throw error;
    }
  }

  private take(run: number): () => void {
    this.open++;
    this.runs.set(run, (this.runs.get(run) ?? 0) + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.open--;
      const left = (this.runs.get(run) ?? 1) - 1;
      if (left > 0) this.runs.set(run, left);
      else this.runs.delete(run);
    };
  }
}
