import { isCommandCapability, isFetchCapability } from "./fetch-capabilities.ts";
import { PktBroken, type PktUnit, textOf, unitsOf } from "./pkt-units.ts";
import { printable } from "./printable.ts";

/** What a client asks of upload-pack. `body` is what the upstream gets: written anew, so it reads what was checked. */
export type FetchRequest =
  /** A lone flush: git asks whether it may send a large body. */
  | { kind: "probe" }
  | { kind: "ls-refs"; capabilities: string[]; unborn: boolean }
  /** `refs` are those it names; `wants` are object ids. */
  | { kind: "fetch"; protocol: "version=2" | undefined; wants: string[]; refs: string[]; body: Uint8Array }
  | { kind: "malformed"; why: string };

const OID = "(?:[0-9a-f]{40}|[0-9a-f]{64})";
const WANT = new RegExp(`^want (${OID})(?: (.*))?$`);
const REF_ARGUMENT = /^(?:want-ref|deepen-not) (\S+)$/;
/**
 * A filter that names no object: `sparse:oid=` takes any name git can resolve, and the answer tells whether it is there.
 * `combine:` may hold one.
 */
const FILTER = "(?:blob:none|blob:limit=[0-9]{1,15}[kmg]?|tree:[0-9]{1,9})";
/** Lines that say nothing about which refs are meant; the same in both protocols but for the last ones. */
const HARMLESS = new RegExp(
  `^(?:shallow ${OID}|have ${OID}|deepen [0-9]{1,10}|deepen-since [0-9]{1,12}|filter ${FILTER}|done)$`,
);
const HARMLESS_V2 = /^(?:thin-pack|no-progress|ofs-delta|deepen-relative|wait-for-done)$/;

/** Lines of one fetch: twice what git sends at most, and a moment's work. */
export const FETCH_LINES_MAX = 32_768;
/** Flushes of one fetch: git sends three at most. */
export const FETCH_FLUSHES_MAX = 16;

/** Reads a whole request of either protocol, up to its first bad line; which one it is shows in its first. Never throws. */
export function parseFetchRequest(body: Uint8Array): FetchRequest {
  try {
    if (FLUSH.equals(body)) return { kind: "probe" };
    const units = bounded(unitsOf(body));
    const first = units.next().value;
    if (first?.kind === "data" && textOf(first).startsWith("command="))
      return readCommand(textOf(first), units);
    return readWants(first, units);
  } catch (error) {
    if (error instanceof PktBroken || error instanceof Strange)
      return { kind: "malformed", why: error.message };
    throw error;
  }
}

function* bounded(units: Generator<PktUnit, void>): Generator<PktUnit, undefined> {
  let [lines, flushes] = [0, 0];
  for (const unit of units) {
    if (unit.kind === "flush" ? ++flushes > FETCH_FLUSHES_MAX : ++lines > FETCH_LINES_MAX)
      throw new Strange(`more than ${FETCH_LINES_MAX} lines or ${FETCH_FLUSHES_MAX} flushes in a fetch`);
    yield unit;
  }
}

/** Protocol 2: `command=`, capabilities, delimiter, arguments, flush. */
function readCommand(command: string, units: Generator<PktUnit, undefined>): FetchRequest {
  if (command !== "command=ls-refs" && command !== "command=fetch")
    throw new Strange(`${printable(command)} was not offered`);
  const capabilities: string[] = [];
  const given: string[] = [];
  const named = new Named();
  let lines = capabilities;
  let ended = false;
  for (const unit of units) {
    if (ended) throw new Strange("more after the flush of a command");
    if (unit.kind === "flush") ended = true;
    else if (unit.kind === "delimiter" && lines === capabilities) lines = given;
    else {
      const line = lineOf(unit);
      if (lines === capabilities ? !isCommandCapability(line) : !isArgument(command, named, line))
        throw new Strange(`${printable(line)} was not offered`);
      // git asks for tags by default; without a tag among the refs there is none to send.
      if (line !== "include-tag") lines.push(line);
    }
  }
  if (!ended) throw new Strange("a command that does not end in a flush");
  if (command === "command=ls-refs")
    return { kind: "ls-refs", capabilities, unborn: given.includes("unborn") };
  const body = commandBody("fetch", capabilities, given);
  return { kind: "fetch", protocol: "version=2", wants: named.wants, refs: named.refs, body };
}

/** What `ls-refs` is asked is not passed on, so there any line may stand. */
function isArgument(command: string, named: Named, line: string): boolean {
  return (
    command === "command=ls-refs" || line === "include-tag" || HARMLESS_V2.test(line) || named.take(line)
  );
}

/** Protocol 0: `want` lines, the first with capabilities, and what may go with them; flush; `have` lines and `done`. */
function readWants(first: PktUnit | undefined, rest: Iterable<PktUnit>): FetchRequest {
  const named = new Named();
  const written: string[] = [];
  let flushed = false;
  const take = (unit: PktUnit) => {
    if (unit.kind === "flush") {
      flushed = true;
      return void written.push("0000");
    }
    const line = lineOf(unit);
    const before = named.wants.length;
    if (!named.take(line, before === 0)) throw new Strange(`${printable(line)} is no line of a fetch`);
    if (named.wants.length === 0) throw new Strange("a fetch that does not begin with a want");
    if (flushed && named.wants.length > before) throw new Strange("a want after the wants");
    written.push(lineText(line));
  };
  if (first !== undefined) take(first);
  for (const unit of rest) take(unit);
  const body = Buffer.from(written.join(""), "latin1");
  return { kind: "fetch", protocol: undefined, wants: named.wants, refs: named.refs, body };
}

/** What the lines of a request name. */
class Named {
  readonly wants: string[] = [];
  readonly refs: string[] = [];

  /** @returns whether the line is known */
  take(line: string, withCapabilities = false): boolean {
    if (HARMLESS.test(line)) return true;
    const [, oid, capabilities] = WANT.exec(line) ?? [];
    if (oid !== undefined) {
      this.wants.push(oid);
      if (capabilities === undefined) return true;
      const foreign = capabilities.split(" ").find((name) => name !== "" && !isFetchCapability(name));
      if (foreign !== undefined) throw new Strange(`${printable(foreign)} was not offered`);
      return withCapabilities;
    }
    const [, ref] = REF_ARGUMENT.exec(line) ?? [];
    if (ref !== undefined) this.refs.push(ref);
    return ref !== undefined;
  }
}

/** One request of protocol 2. */
export function commandBody(
  command: "fetch" | "ls-refs",
  capabilities: string[],
  given: string[],
): Uint8Array {
  const head = [`command=${command}`, ...capabilities].map(lineText);
  return Buffer.from([...head, "0001", ...given.map(lineText), "0000"].join(""), "latin1");
}

const FLUSH = Buffer.from("0000");

/** A pkt-line as Latin-1: a fetch may have very many, and one buffer for all of them is enough. */
function lineText(line: string): string {
  return `${(line.length + 5).toString(16).padStart(4, "0")}${line}\n`;
}

/** Not what a git client sends, or more than was offered. */
class Strange extends Error {
  override readonly name = "Strange";
}

function lineOf(unit: PktUnit): string {
  if (unit.kind !== "data") throw new Strange("a special pkt-line out of place");
  return textOf(unit);
}
