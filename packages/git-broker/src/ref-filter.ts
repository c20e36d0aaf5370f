import { chunksOf } from "./byte-stream.ts";
import { shownCapability } from "./fetch-capabilities.ts";
import { pktLine } from "./pkt-line.ts";
import { PktBroken, type PktUnit, pktUnits, textOf } from "./pkt-units.ts";

/** A list of refs cut to what a grant shows. */
export interface ShownRefs {
  bytes: Uint8Array;
  /** What the shown refs point at. */
  oids: string[];
  /** The same by the ref's full name; empty where the answer lists no refs. */
  tips: ReadonlyMap<string, string>;
}

/** A list of refs longer than this is not read to its end, bytes: some millions of refs. */
const LIST_BYTES_MAX = 256 * 1_048_576;
/** `shallow` lines of an upstream that is itself shallow; more are not shown. */
const SHALLOW_MAX = 1_000;

const FLUSH = Buffer.from("0000");

/**
 * The answer to `info/refs`, whichever protocol the upstream chose: capabilities cut by `shown` or, of protocol 2, to what
 * the broker takes, and refs cut to `refs`. `HEAD` is shown when it leads to one of them.
 * @throws PktBroken when it is no list of refs
 */
export async function filterAdvertisement(
  body: ReadableStream<Uint8Array>,
  service: string,
  refs: readonly string[],
  shown: (capability: string) => boolean,
): Promise<ShownRefs> {
  const units = pktUnits(capped(body));
  let unit = await nextOf(units);
  // Protocol 2 may do without the service line.
  if (isData(unit) && textOf(unit) === `# service=${service}`) {
    if ((await nextOf(units))?.kind !== "flush") throw new PktBroken("no flush after the service line");
    unit = await nextOf(units);
  }
  if (!isData(unit)) throw new PktBroken("no list of refs");
  return textOf(unit) === "version 2"
    ? { bytes: await capabilitiesOf(units), oids: [], tips: new Map() }
    : refsOf(unit, units, service, refs, shown);
}

async function capabilitiesOf(units: AsyncGenerator<PktUnit, void>): Promise<Uint8Array> {
  const lines = ["version 2"];
  for await (const line of linesUntilFlush(units)) {
    const kept = shownCapability(line);
    if (kept !== undefined) lines.push(kept);
  }
  return Buffer.concat([...lines.map((line) => pktLine(`${line}\n`)), FLUSH]);
}

async function refsOf(
  first: { payload: Uint8Array },
  units: AsyncGenerator<PktUnit, void>,
  service: string,
  refs: readonly string[],
  shown: (capability: string) => boolean,
): Promise<ShownRefs> {
  const [firstRef = "", offered = ""] = textOf(first).split("\0");
  const isShown = granted(refs);
  const symrefs = offered.split(" ").filter((name) => {
    const [, from, to] = /^symref=(.+?):(.+)$/.exec(name) ?? [];
    return from === "HEAD" && to !== undefined && isShown(to);
  });
  const kept: string[] = [];
  const shallow: string[] = [];
  const tips = new Map<string, string>();
  const take = (line: string) => {
    const [, oid, ref] = /^([0-9a-f]{40,64}) (.+)$/s.exec(line) ?? [];
    if (oid !== undefined && ref !== undefined && (isShown(ref) || (ref === "HEAD" && symrefs.length > 0))) {
      kept.push(line);
      tips.set(ref, oid);
    } else if (/^shallow [0-9a-f]{40,64}$/.test(line) && shallow.length < SHALLOW_MAX) shallow.push(line);
  };
  take(firstRef);
  for await (const line of linesUntilFlush(units)) take(line);
  // A pack that needs no object from elsewhere can be looked into before it is anywhere.
  const added = service === "git-receive-pack" ? ["no-thin"] : [];
  const capabilities = [...new Set([...offered.split(" ").filter(shown), ...symrefs, ...added])].join(" ");
  const none = `${"0".repeat(firstRef.indexOf(" "))} capabilities^{}`;
  const [head = none, ...rest] = kept;
  const lines = [`${head}\0${capabilities}`, ...rest, ...shallow];
  return {
    bytes: Buffer.concat([
      pktLine(`# service=${service}\n`),
      FLUSH,
      ...lines.map((line) => pktLine(Buffer.from(`${line}\n`, "latin1"))),
      FLUSH,
    ]),
    oids: [...tips.values()],
    tips,
  };
}

/** The answer to `ls-refs`, cut in the same way. @throws PktBroken */
export async function filterLsRefs(
  body: ReadableStream<Uint8Array>,
  refs: readonly string[],
): Promise<Pick<ShownRefs, "bytes" | "oids">> {
  const isShown = granted(refs);
  const kept: Uint8Array[] = [];
  const oids: string[] = [];
  for await (const line of linesUntilFlush(pktUnits(capped(body)))) {
    const [oid = "", ref = "", ...attributes] = line.split(" ");
    const target = attributes
      .find((name) => name.startsWith("symref-target:"))
      ?.slice("symref-target:".length);
    if (ref === "HEAD" ? target === undefined || !isShown(target) : !isShown(ref)) continue;
    kept.push(pktLine(Buffer.from(`${line}\n`, "latin1")));
    if (oid !== "unborn") oids.push(oid);
  }
  return { bytes: Buffer.concat([...kept, FLUSH]), oids };
}

/** Whether a ref, or what a tag of that name points at, is one of `refs`. */
function granted(refs: readonly string[]): (ref: string) => boolean {
  const names = new Set(refs);
  return (ref) => names.has(ref.replace(/\^\{\}$/, ""));
}

async function* linesUntilFlush(units: AsyncGenerator<PktUnit, void>): AsyncGenerator<string, void> {
  for (;;) {
    const unit = await nextOf(units);
    if (unit?.kind === "flush") return void (await units.return());
    if (!isData(unit)) throw new PktBroken("the list of refs has no end");
    yield textOf(unit);
  }
}

async function* capped(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const chunk of chunksOf(body)) {
    bytes += chunk.length;
    if (bytes > LIST_BYTES_MAX) throw new PktBroken("a list of refs over 256 MiB");
    yield chunk;
  }
}

async function nextOf(units: AsyncGenerator<PktUnit, void>): Promise<PktUnit | undefined> {
  const { done, value } = await units.next();
  return done ? undefined : value;
}

function isData(unit: PktUnit | undefined): unit is Extract<PktUnit, { kind: "data" }> {
  return unit?.kind === "data";
}
