/**
 * Unreadable characters from which a stretch of output counts as binary: more than this share of it, and more than a
 * handful. `find -print0` and a text in Latin-1 stay below.
 */
const UNREADABLE_SHARE_MAX = 0.1;
const UNREADABLE_COUNT_MAX = 16;
/** Stands where binary output was. */
export const BINARY_NOTE = "[binary output is not shown]";

/** What a terminal would show in the end: no colors, and of a line that was overwritten only its last state. */
export function terminalText(text: string): string {
  const plain = Bun.stripANSI(text);
  return plain.includes("\r") ? plain.split("\n").map(lastState).join("\n") : plain;
}

/**
 * The text with the stretch from its first to its last unreadable line left out, if that stretch is binary. Readable lines
 * before and after stay: a build may print a path, then a picture.
 */
export function withoutBinary(text: string): { text: string; binary: boolean } {
  const lines = text.split("\n");
  const counts = lines.map(unreadableCount);
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return { text, binary: false };
  const last = counts.findLastIndex((count) => count > 0);
  const unreadable = counts.reduce((sum, count) => sum + count, 0);
  const chars = lines.slice(first, last + 1).reduce((sum, line) => sum + line.length + 1, 0);
  if (unreadable <= Math.max(UNREADABLE_COUNT_MAX, chars * UNREADABLE_SHARE_MAX))
    return { text, binary: false };
  return {
    text: [...lines.slice(0, first), BINARY_NOTE, ...lines.slice(last + 1)].join("\n"),
    binary: true,
  };
}

/** The end of a line after its last carriage return; those that end the line stay, as in a file with CRLF. */
function lastState(line: string): string {
  let end = line.length;
  while (line.charCodeAt(end - 1) === 0x0d) end--;
  return end === 0 ? "" : line.slice(line.lastIndexOf("\r", end - 1) + 1);
}

function unreadableCount(line: string): number {
  let count = 0;
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    // Bell to carriage return, and escape, are what programs send to terminals.
    const control = code < 0x20 && !(code >= 0x07 && code <= 0x0d) && code !== 0x1b;
    if (control || code === 0x7f || code === 0xfffd) count++;
  }
  return count;
}
