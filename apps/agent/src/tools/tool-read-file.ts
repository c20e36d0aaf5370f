import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { LineWindow, type WindowView } from "./line-window.ts";
import { readPicture } from "./picture-file.ts";
import { encodingOf, FILE_BYTES_MAX, fileProblem, openToRead, PROBE_BYTES, readStart } from "./text-file.ts";
import { defineTool, failed, type ToolContext, type ToolResult } from "./tool.ts";

/** Lines shown when no number is asked for. */
const LINES_DEFAULT = 2_000;
/** Text of one answer, bytes: 6,000 tokens at 4 bytes each, less what is said about it. Source: INTERFACES section 6. */
const READ_BYTES_MAX = 23_000;
/** A line is shown up to this, bytes; one that is asked for alone gets most of the answer. */
const LINE_BYTES_MAX = 2_000;
const LINE_ALONE_BYTES_MAX = 20_000;
/** How far lines are counted in search of the first one, bytes: half a second or so. */
const SCAN_BYTES_MAX = 512 * 1_048_576;
/** Read at a time, bytes: past this a larger buffer is no faster. */
const CHUNK_BYTES = 262_144;

export const readFileTool = defineTool({
  name: "read_file",
  description: "Read a file, with line numbers.",
  parameters: {
    path: { type: "string", aliases: ["file_path"] },
    start: { type: "integer", minimum: 0, description: "first line", optional: true, aliases: ["offset"] },
    lines: {
      type: "integer",
      minimum: 1,
      description: `default ${LINES_DEFAULT}`,
      optional: true,
      aliases: ["limit"],
    },
  },
  async run({ path, start = 1, lines = LINES_DEFAULT }, context) {
    const located = await context.workspace.locateReadable(path);
    if (located.kind === "refused") return failed(located.why);
    const opened = await openToRead(located.path, path);
    if (opened.kind === "problem") return failed(opened.why);
    await using file = opened.file;
    try {
      const request = { file, size: opened.size, path, start: Math.max(1, start), count: lines };
      return await readOpen(request, context);
    } catch (error) {
      return failed(context.signal.aborted ? "aborted" : fileProblem(error, path));
    }
  },
});

interface Request {
  file: FileHandle;
  /** Bytes. */
  size: number;
  /** As the model wrote it. */
  path: string;
  start: number;
  count: number;
}

async function readOpen(request: Request, context: ToolContext): Promise<ToolResult> {
  const { file, size, path, start, count } = request;
  if (size === 0) return { output: "[the file is empty]" };
  const probe = await readStart(file, Math.min(size, PROBE_BYTES));
  const encoding = encodingOf(probe);
  const picture = encoding === "utf-8" && isUtf8(probe) ? undefined : await readPicture(request, context);
  if (picture !== undefined) return picture;
  if (encoding === "binary") return failed(`${path} is binary (${size} bytes); look at it with bash`);
  const window = new LineWindow({
    start,
    count,
    lineBytesMax: count === 1 ? LINE_ALONE_BYTES_MAX : LINE_BYTES_MAX,
    bytesMax: READ_BYTES_MAX,
  });
  if (encoding === "utf-8") {
    const from = hasMark(probe) ? 3 : 0;
    const whole = await pushFile(window, request, from, context.signal);
    return shown(window.end(whole), { ...request, whole, notes: from > 0 ? ["byte order mark"] : [] });
  }
  const name = encoding.toUpperCase();
  if (size > FILE_BYTES_MAX) return failed(`${path} is ${name} and has ${size} bytes; convert it with iconv`);
  window.push(Buffer.from(new TextDecoder(encoding).decode(await readStart(file, size))));
  return shown(window.end(true), { ...request, whole: true, notes: [`${name}, shown as UTF-8`] });
}

function hasMark(probe: Buffer): boolean {
  return probe[0] === 0xef && probe[1] === 0xbb && probe[2] === 0xbf;
}

/**
 * Pushes the file until the window has what it wants and, if it is not huge, on to the end for the number of lines.
 * @returns whether the end was reached
 */
async function pushFile(
  window: LineWindow,
  { file, size }: Request,
  from: number,
  signal: AbortSignal,
): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK_BYTES));
  for (let at = from; at < size; ) {
    if (window.filled ? size > FILE_BYTES_MAX : at >= SCAN_BYTES_MAX) return false;
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break; // it got shorter meanwhile
    window.push(buffer.subarray(0, bytesRead));
    at += bytesRead;
    signal.throwIfAborted();
  }
  return true;
}

/** What there is to say beside the lines. */
interface About {
  start: number;
  count: number;
  size: number;
  whole: boolean;
  notes: string[];
}

function shown(view: WindowView, about: About): ToolResult {
  if (view.shown === 0) return { output: `[${whyNothing(view, about)}]` };
  const notes = [...rangeNotes(view, about), ...lineNotes(view, about), ...about.notes];
  const output = notes.length === 0 ? view.text : `${view.text}\n[${notes.join("; ")}]`;
  return { output, truncated: view.full || view.shortened !== undefined };
}

function whyNothing({ lines }: WindowView, { start, size, whole, notes }: About): string {
  if (!whole) return `line ${start} is not within the first ${SCAN_BYTES_MAX} of ${size} bytes; use bash`;
  return lines === 0 ? `the file is empty but for its ${notes.join()}` : `the file has ${lines} lines`;
}

function rangeNotes({ shown, lines, full }: WindowView, { start, size, whole }: About): string[] {
  const last = start - 1 + shown;
  if (whole && start === 1 && last === lines) return [];
  const total = whole ? `of ${lines}` : `of a file of ${size} bytes`;
  return [
    `lines ${start} to ${last} ${total}${full ? `, as many as fit; go on with start ${last + 1}` : ""}`,
  ];
}

function lineNotes(view: WindowView, { start, count, whole }: About): string[] {
  const { shown, lines, crlf, ended, shortened, lossy } = view;
  const notes: string[] = [];
  if (shortened !== undefined)
    notes.push(
      count === 1
        ? `for the rest of line ${shortened} use bash: sed -n ${shortened}p FILE | cut -b ${LINE_ALONE_BYTES_MAX + 1}-${2 * LINE_ALONE_BYTES_MAX}`
        : `line ${shortened} was shortened; with lines 1 more of it is shown`,
    );
  if (crlf > 0)
    notes.push(
      crlf === ended
        ? "CRLF line endings, which edit_file keeps"
        : `mixed line endings: ${crlf} of these lines end with CRLF`,
    );
  if (lossy) notes.push("bytes that are no text are shown as �");
  if (whole && ended < shown && start - 1 + shown === lines) notes.push("no newline at the end of the file");
  return notes;
}
