import { isCommandCapability, isFetchCapability } from "./fetch-capabilities.ts";
import { pktLine } from "./pkt-line.ts";
import { PktBroken, type PktUnit, pktUnits } from "./pkt-units.ts";
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

/** Reads a whole request of either protocol; which one it is shows in its first line. Never throws. */
export async function parseFetchRequest(body: Uint8Array): Promise<FetchRequest> {
  try {
    const units = await Array.fromAsync(pktUnits([body]));
    const [first] = units;
    if (units.length === 1 && first?.kind === "flush") return { kind: "probe" };
    if (first?.kind === "data" && textOf(first).startsWith("command=")) return readCommand(units);
    return readWants(units);
  } catch (error) {
    if (error instanceof PktBroken || error instanceof Strange)
      return { kind: "malformed", why: error.message };
    throw error;
  }
}

/** Protocol 2: `command=`, capabilities, delimiter, arguments, flush. */
function readCommand(units: PktUnit[]): FetchRequest {
  if (units.pop()?.kind !== "flush") throw new Strange("a command that does not end in a flush");
  const parted = units.findIndex((unit) => unit.kind === "delimiter");
  const [command, ...capabilities] = linesOf(parted === -1 ? units : units.slice(0, parted));
  const given = parted === -1 ? [] : linesOf(units.slice(parted + 1));
  const foreign = capabilities.find((line) => !isCommandCapability(line));
  if (foreign !== undefined) throw new Strange(`${printable(foreign)} was not offered`);
  switch (command) {
    case "command=ls-refs":
      return { kind: "ls-refs", capabilities, unborn: given.includes("unborn") };
    case "command=fetch":
      return readFetch(capabilities, given);
    default:
      throw new Strange(`${printable(command ?? "")} was not offered`);
  }
}

function readFetch(capabilities: string[], given: string[]): FetchRequest {
  const named = new Named();
  // git asks for tags by default; without a tag among the refs there is none to send.
  const passed = given.filter((line) => line !== "include-tag");
  for (const line of passed) {
    if (!HARMLESS_V2.test(line) && !named.take(line)) throw new Strange(`${printable(line)} was not offered`);
  }
  return {
    kind: "fetch",
    protocol: "version=2",
    wants: named.wants,
    refs: named.refs,
    body: commandBody("fetch", capabilities, passed),
  };
}

/** Protocol 0: `want` lines, the first with capabilities, and what may go with them; flush; `have` lines and `done`. */
function readWants(units: PktUnit[]): FetchRequest {
  const named = new Named();
  const written: Uint8Array[] = [];
  let flushed = false;
  for (const unit of units) {
    if (unit.kind === "flush") {
      flushed = true;
      written.push(FLUSH);
      continue;
    }
    const [line = ""] = linesOf([unit]);
    const before = named.wants.length;
    if (!named.take(line, before === 0)) throw new Strange(`${printable(line)} is no line of a fetch`);
    if (named.wants.length === 0) throw new Strange("a fetch that does not begin with a want");
    if (flushed && named.wants.length > before) throw new Strange("a want after the wants");
    written.push(pktLine(`${line}\n`));
  }
  return {
    kind: "fetch",
    protocol: undefined,
    wants: named.wants,
    refs: named.refs,
    body: Buffer.concat(written),
  };
}

/** What the lines of a request name. */
class Named {
  readonly wants: string[] = [];
  readonly refs: string[] = [];

  /** @returns whether the line is known */
  take(line: string, withCapabilities = false): boolean {
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
    return ref !== undefined || HARMLESS.test(line);
  }
}

/** One request of protocol 2. */
export function commandBody(
  command: "fetch" | "ls-refs",
  capabilities: string[],
  given: string[],
): Uint8Array {
  return Buffer.concat([
    pktLine(`command=${command}\n`),
    ...capabilities.map((line) => pktLine(`${line}\n`)),
    Buffer.from("0001"),
    ...given.map((line) => pktLine(`${line}\n`)),
    FLUSH,
  ]);
}

const FLUSH = Buffer.from("0000");

/** Not what a git client sends, or more than was offered. */
class Strange extends Error {
  override readonly name = "Strange";
}

function linesOf(units: PktUnit[]): string[] {
  return units.map((unit) => {
    if (unit.kind !== "data") throw new Strange("a special pkt-line out of place");
    return textOf(unit);
  });
}

function textOf(unit: { payload: Uint8Array }): string {
  return Buffer.from(unit.payload).toString("latin1").replace(/\n$/, "");
}
