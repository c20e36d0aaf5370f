import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ExecResult } from "@windshift/base/exec.ts";
import { treeGit } from "../git/git-tree.ts";
import {
  GIT_GREP,
  type GrepEngine,
  type GrepQuery,
  type GrepRecord,
  pathspecs,
  RIPGREP,
} from "./grep-engine.ts";
import { type GrepFindings, shownLine } from "./grep-text.ts";
import type { PathFilter } from "./path-filter.ts";
import { runSearch, type SearchExit, searchEnv } from "./search-process.ts";
import type { ToolContext } from "./tool.ts";

/** Source: INTERFACES section 6. */
const GREP_MS_MAX = 30_000;
/** Lines that are read before a search is stopped: it found far more than anyone reads, and sorting needs memory. */
const RECORDS_MAX = 20_000;
/** A file with a NUL in its first bytes is binary, as git has it. */
const BINARY_PROBE_BYTES = 8_000;
/** What is told of an engine's complaint, characters. */
const PROBLEM_CHARS_MAX = 500;
/** Paths of files that are ignored and yet in the repository, characters: they are passed as arguments. */
const TRACKED_IGNORED_CHARS_MAX = 100_000;

/** Where to search. */
export interface GrepPlace {
  /** The folder the engine runs in. */
  cwd: string;
  /** Relative to `cwd`. */
  path: string;
  isFile: boolean;
  ignored: boolean;
  /** How the model is told of a path relative to `cwd`. */
  shown(path: string): string;
}

/**
 * Searches with ripgrep where there is one, else with git; the findings are the same. It ends within the time limit
 * whatever the pattern, as the engine is a process that can be killed.
 * @param query what to search in `place`; `filter` says which of the files count
 */
export async function search(
  place: GrepPlace,
  filter: PathFilter,
  query: GrepQuery,
  context: ToolContext,
): Promise<GrepFindings | { problem: string }> {
  const env = searchEnv(context.env());
  const run = (engine: GrepEngine, runEnv = env, pattern = query.pattern) =>
    searchOnce(engine, { ...query, pattern }, place, filter, runEnv, context);
  if (Bun.which("rg", { PATH: env.PATH ?? "" }) !== null) {
    const attempt = await run(RIPGREP);
    // What ripgrep's expressions lack (look-around, in some builds) git's have; if neither knows it, git's word counts.
    if (!isUnsure(attempt)) return attempt.findings;
  }
  let last = await run(GIT_GREP);
  // A checkout whose .git is broken can still be searched.
  if (/not a git repository|dubious ownership/.test(last.failure))
    last = await run(GIT_GREP, { ...env, GIT_DIR: "/nonexistent" });
  // Compiled expressions have little stack; uncompiled ones are slower and have enough for any line.
  if (/JIT stack limit/.test(last.failure)) last = await run(GIT_GREP, env, `(*NO_JIT)${query.pattern}`);
  return last.failure === "" ? last.findings : { problem: problemOf(last.failure) };
}

interface Attempt {
  findings: GrepFindings;
  /** What the engine said when it failed, else empty. */
  failure: string;
}

/** Whether ripgrep did not do all it was asked. Folders it may not read are no reason, as git cannot read them either. */
function isUnsure({ findings, failure }: Attempt): boolean {
  return failure !== "" && (findings.lines.length === 0 || /regex|PCRE2/i.test(failure));
}

async function searchOnce(
  engine: GrepEngine,
  query: GrepQuery,
  place: GrepPlace,
  filter: PathFilter,
  env: Record<string, string>,
  context: ToolContext,
): Promise<Attempt> {
  const findings: GrepFindings = { lines: [], binaryFiles: new Set(), stopped: undefined };
  const readable = new Map<string, boolean>();
  const run = (part: GrepQuery): Promise<SearchExit> =>
    runSearch(
      engine.argv(part),
      { cwd: place.cwd, env, timeoutMs: GREP_MS_MAX, signal: context.signal },
      (line, bytes) => {
        const record = engine.parse(line);
        if (record !== undefined && isWanted(record, place, filter))
          take(record, bytes - line.length, place, findings, readable);
        return findings.lines.length < RECORDS_MAX;
      },
    );
  const [exit, extra] = await Promise.all([run(query), query.ignored ? [] : trackedIgnored(query, context)]);
  const exits = [exit];
  if (extra.length > 0 && exit.stopped === undefined && exit.exitCode <= 1)
    exits.push(await run({ ...query, paths: extra, names: [], ignored: true }));
  findings.stopped = exits.find(({ stopped }) => stopped !== undefined)?.stopped;
  const failed = exits.find(({ exitCode, stopped }) => stopped === undefined && exitCode > 1);
  return { findings, failure: failed === undefined ? "" : failed.stderr || `exit code ${failed.exitCode}` };
}

function isWanted(record: GrepRecord, { path, isFile }: GrepPlace, filter: PathFilter): boolean {
  if (isFile) return true;
  return filter.matches(path === "." ? record.path : record.path.slice(path.length + 1));
}

/** Keeps of a line what is shown of it. @param rest bytes of it that were left out already */
function take(
  record: GrepRecord,
  rest: number,
  place: GrepPlace,
  findings: GrepFindings,
  readable: Map<string, boolean>,
): void {
  let isText = readable.get(record.path);
  if (isText === undefined) {
    isText = !isBinary(join(place.cwd, record.path));
    readable.set(record.path, isText);
  }
  const { path, line, matchAt } = record;
  if (isText)
    findings.lines.push({ path, line, isMatch: matchAt !== undefined, text: shownLine(record, rest) });
  else findings.binaryFiles.add(path);
}

function isBinary(path: string): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const probe = Buffer.alloc(BINARY_PROBE_BYTES);
      return probe.subarray(0, readSync(file, probe)).includes(0);
    } finally {
      closeSync(file);
    }
  } catch {
    return false; // gone since
  }
}

/** Files in the repository although a rule ignores them: people want them found, and no engine that follows the rules does. */
async function trackedIgnored(query: GrepQuery, context: ToolContext): Promise<string[]> {
  const specs = query.paths.flatMap((path) => pathspecs(path, query.names));
  const args = ["ls-files", "--cached", "--ignored", "--exclude-standard", "-z", "--", ...specs];
  const { exitCode, stdout } = await askGit(args, context);
  if (exitCode !== 0) return [];
  const paths = stdout.slice(0, TRACKED_IGNORED_CHARS_MAX).split("\0").slice(0, -1); // the last may be cut
  return paths.filter((path) =>
    statSync(join(context.workspace.root, path), { throwIfNoEntry: false })?.isFile(),
  );
}

/** Asks git about the checkout, without the tokens of the run, for as long as a search may take. A failing command is an exit code. */
export function askGit(args: string[], { workspace, env, signal }: ToolContext): Promise<ExecResult> {
  const place = { root: workspace.root, env: searchEnv(env()), signal };
  return treeGit(place, args, { timeoutMs: GREP_MS_MAX });
}

function problemOf(stderr: string): string {
  if (/match limit exceeded|heap limit exceeded/.test(stderr))
    return "the pattern tries too many ways on one line (nested repeats such as (a+)+); write it simpler";
  const why = stderr
    .replace(/^(fatal|error): /, "")
    .replace(/\(\*[A-Z_]+\)/g, "")
    .slice(0, PROBLEM_CHARS_MAX);
  return `grep failed: ${why}`;
}
