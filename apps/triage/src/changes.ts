import {
  CHANGED_PATHS_BYTES_MAX,
  type ChangedFile,
  type Changes,
  type Patch,
} from "@windshift/contract/changes.ts";
import type { Oid } from "@windshift/contract/ids.ts";
import { PUSH_MS_MAX, RUN_FILES_MAX, RUN_PATCH_BYTES_MAX } from "@windshift/contract/limits.ts";
import { hostGit } from "./host-git.ts";
import type { TriageContext } from "./triage-context.ts";

/** What git says of changed files, bytes: some 100,000 of them. Beyond it they are not counted. */
const LIST_BYTES_MAX = 16 * 1_048_576;
/** A patch as JSON, bytes: its report has to fit into a body of the control plane, whatever has to be escaped. */
const PATCH_JSON_BYTES_MAX = 400_000;
/** Nothing of the repository decides how it is shown. Renames are not looked for: that costs the square of the files. */
const PLAIN = ["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames"];

/** What is compared, in which repository of ours. */
export interface Range {
  dir: string;
  base: Oid;
  head: Oid;
}

/** The files that differ between two commits. Undefined when git could not tell, or not in full: a wrong figure is worse than none. */
export async function readChanges(context: TriageContext, range: Range): Promise<Changes | undefined> {
  const listed = await diff(context, range, ["--raw", "--numstat", "-z"], LIST_BYTES_MAX);
  if (listed === undefined || Buffer.byteLength(listed) >= LIST_BYTES_MAX) return undefined;
  const all = parseList(listed);
  const files: ChangedFile[] = [];
  let bytes = 0;
  for (const file of all) {
    bytes += Buffer.byteLength(JSON.stringify(file.path));
    if (files.length === RUN_FILES_MAX || bytes > CHANGED_PATHS_BYTES_MAX) break;
    files.push(file);
  }
  return { files, more: all.length - files.length };
}

/** The difference of two commits as people read it, cut after a whole line. Undefined when git could not make it. */
export async function readPatch(context: TriageContext, range: Range): Promise<Patch | undefined> {
  const made = await diff(context, range, ["--unified=3"], RUN_PATCH_BYTES_MAX + 1);
  if (made === undefined) return undefined;
  let text = made;
  let truncated = Buffer.byteLength(text) > RUN_PATCH_BYTES_MAX;
  while (Buffer.byteLength(JSON.stringify(text)) > PATCH_JSON_BYTES_MAX) {
    text = text.slice(0, Math.floor(text.length * 0.75));
    truncated = true;
  }
  return { text: truncated ? text.slice(0, text.lastIndexOf("\n") + 1) : text, truncated };
}

async function diff(
  context: TriageContext,
  { dir, base, head }: Range,
  how: string[],
  outputBytesMax: number,
): Promise<string | undefined> {
  const result = await hostGit(context, ["diff", ...PLAIN, ...how, "--end-of-options", base, head, "--"], {
    cwd: dir,
    timeoutMs: PUSH_MS_MAX,
    outputBytesMax,
  });
  return result.exitCode === 0 ? result.stdout : undefined;
}

const STATUS: Record<string, ChangedFile["status"]> = { A: "added", D: "deleted" };

/** First `:100644 100644 1a2b 3c4d M<NUL>path<NUL>` for each file, then `12<TAB>3<TAB>path<NUL>`; `-` for what is not text. */
function parseList(text: string): ChangedFile[] {
  const entries = text.split("\0");
  const status = new Map<string, ChangedFile["status"]>();
  const files: ChangedFile[] = [];
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] ?? "";
    const raw = /^:\d+ \d+ \S+ \S+ ([A-Z])/.exec(entry);
    if (raw !== null) {
      status.set(entries[++at] ?? "", STATUS[raw[1] ?? ""] ?? "modified");
      continue;
    }
    const [, added, deleted, path] = /^(\d+|-)\t(\d+|-)\t([\s\S]+)$/.exec(entry) ?? [];
    if (path === undefined) continue;
    files.push({
      path,
      status: status.get(path) ?? "modified",
      added: countOf(added),
      deleted: countOf(deleted),
    });
  }
  return files;
}

function countOf(text: string | undefined): number | null {
  return text === undefined || text === "-" ? null : Number(text);
}
