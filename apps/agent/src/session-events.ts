import type { Emit } from "./event-writer.ts";

/** Where a session's lines go. */
export interface SessionEvents {
  emit: Emit;
  /** Resolves when the reader has taken what was written. */
  drained(): Promise<void>;
}

/** Waits for the reader to take the last lines; once the session is to stop, only `graceMs` more: it may read no longer. */
export async function drainedAtEnd(
  events: SessionEvents,
  stopping: Promise<void>,
  graceMs: number,
): Promise<void> {
  const late = stopping.then(() => new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref()));
  await Promise.race([events.drained(), late]);
}

/** Holds the lines of a session to the contract's ending: one `finish` or `error`, then `session_idle`, then nothing. */
export function endingEvents(events: SessionEvents): SessionEvents {
  let ended: "no" | "told" | "idle" = "no";
  return {
    emit(event) {
      const tells = event.type === "finish" || event.type === "error";
      if (ended === "idle" || (ended === "told" && tells)) return;
      if (tells) ended = "told";
      if (event.type === "session_idle") ended = "idle";
      events.emit(event);
    },
    drained: () => events.drained(),
  };
}
