import { LineSplitter } from "@windshift/base/jsonl.ts";

/** Longest line of a tool's output that is kept whole, bytes; of a longer one its beginning is. */
const LINE_BYTES_MAX = 4_096;
/** How many lines are kept for a failure text. */
const LAST_LINES = 5;

/**
 * Reads a tool's human-readable output to its end, line by line.
 * @returns its last lines
 */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<string[]> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const last: string[] = [];
  const take = (lines: ReturnType<LineSplitter["push"]>) => {
    for (const line of lines) {
      const text = line.kind === "line" ? line.text : line.head;
      last.push(text);
      if (last.length > LAST_LINES) last.shift();
      onLine(text);
    }
  };
  for await (const chunk of stream) take(splitter.push(chunk));
  take(splitter.end());
  return last;
}
