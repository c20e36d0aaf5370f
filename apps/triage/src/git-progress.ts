/** Two lines of the same kind ("Receiving objects") are this far apart at least, ms. */
const LINE_EVERY_MS = 500;
const LINE_CHARS_MAX = 200;

/**
 * Turns git's progress, which rewrites its line many times a second, into a few lines a person can follow. The last state
 * of each kind ("…, done.") always comes through. Control characters never do.
 */
export function progressLines(
  line: (text: string) => void,
  nowMs: () => number = Date.now,
): (chunk: Uint8Array) => void {
  let rest = "";
  let lastKind = "";
  let lastAtMs = 0;
  return (chunk) => {
    const parts = (rest + Buffer.from(chunk).toString("latin1")).split(/[\r\n]/);
    rest = (parts.pop() ?? "").slice(0, LINE_CHARS_MAX);
    for (const part of parts) {
      const text = part
        .replace(/[^\x20-\x7e]/g, "")
        .trim()
        .slice(0, LINE_CHARS_MAX);
      const [, kind] = /^(?:remote: )?([A-Z][a-z]+ [a-z]+): +\d+/.exec(text) ?? [];
      if (kind === undefined) continue;
      const due = kind !== lastKind || nowMs() - lastAtMs >= LINE_EVERY_MS || text.endsWith("done.");
      if (!due) continue;
      lastKind = kind;
      lastAtMs = nowMs();
      line(text);
    }
  };
}
