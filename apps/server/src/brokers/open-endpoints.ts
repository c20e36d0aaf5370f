import type { LlmEndpoint } from "../connections/connection.ts";
import type { Signals } from "../db/signals.ts";
import type { OpenLlmEndpoint } from "./llm-targets.ts";

/** How long an opened key is kept for the calls that follow, ms. A change of the connection ends it at once; this bounds a lost signal. */
const OPEN_MS = 1_000;

interface Opened {
  endpoint: Promise<LlmEndpoint>;
  /** Forgets it, and what it waits for. */
  close(): void;
}

/**
 * Opens each connection's key once for the calls of a moment. A key that was changed is not given out again once the change
 * was signaled (in this process with SQLite: before the change is answered), and none is kept longer than `OPEN_MS` after
 * it was opened, however few calls there are (LB-19).
 */
export function createOpenEndpoints(
  signals: Pick<Signals, "listen">,
  open: OpenLlmEndpoint,
  openMs = OPEN_MS,
): OpenLlmEndpoint {
  const opened = new Map<string, Opened>();
  return (id, workspaceId) => {
    const name = `${id}:${workspaceId}`;
    const known = opened.get(name);
    if (known !== undefined) return known.endpoint;
    const close = () => {
      if (opened.get(name)?.close === close) opened.delete(name);
      clearTimeout(timer);
      stop();
    };
    // Listening comes before looking, so that no change falls between the two.
    const stop = signals.listen(`connection:${id}`, close);
    const timer = setTimeout(close, openMs);
    const endpoint = open(id, workspaceId);
    opened.set(name, { endpoint, close });
    endpoint.catch(close);
    return endpoint;
  };
}
