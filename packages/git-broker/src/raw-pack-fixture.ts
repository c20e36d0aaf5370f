import { deflateSync } from "node:zlib";
import { post, type RunGrant } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import type { InspectedRun } from "./quarantine-fixture.ts";

/** Pushes made by hand, with packs that git would not make. For tests only. */

/** Entries of a pack without its header and trailer. */
export interface RawObjects {
  objects: number;
  bytes: Uint8Array;
}

const ZERO = "0".repeat(40);

export function commandsAnd(run: RunGrant, pack: Uint8Array, tip = "a".repeat(40)): Buffer {
  const caps = "report-status side-band-64k";
  return Buffer.concat([pktLine(`${ZERO} ${tip} ${run.ref}\0${caps}`), Buffer.from("0000"), pack]);
}

/** The pack git would send for `tip`, without its header and trailer. */
export async function rawObjects(
  run: InspectedRun,
  tip: string,
  excluded = [`${tip}^`],
): Promise<RawObjects> {
  const made = Bun.spawnSync(["git", "pack-objects", "--revs", "--stdout", "-q"], {
    cwd: run.work,
    stdin: Buffer.from([tip, ...excluded.map((oid) => `^${oid}`), ""].join("\n")),
  });
  const pack = made.stdout;
  return { objects: pack.readUInt32BE(8), bytes: pack.subarray(12, -20) };
}

/** A blob and a delta on it that asks for 3 GB. */
export function bomb(): RawObjects {
  const base = Buffer.alloc(65_536, "a");
  const id = new Bun.CryptoHasher("sha1").update(`blob ${base.length}\0`).update(base).digest();
  const copies = 48_000;
  const delta = Buffer.concat([
    varint(base.length),
    varint(copies * 65_536),
    ...Array<Buffer>(copies).fill(Buffer.from([0x80])),
  ]);
  const entry = (type: number, size: number, rest: Uint8Array[]) =>
    Buffer.concat([entryHead(type, size), ...rest]);
  return {
    objects: 2,
    bytes: Buffer.concat([
      entry(3, base.length, [deflateSync(base)]),
      entry(7, delta.length, [id, deflateSync(delta)]),
    ]),
  };
}

/** A blob of 64 KiB and deltas, each on the one before it and twice as large: no single one asks for much. */
export function doublingChain(depth: number): RawObjects {
  const grown = (size: number) => [...copiesOf(size), ...copiesOf(size)];
  return chain(depth, Buffer.alloc(65_536, "a"), grown, (size) => 2 * size);
}

/** A blob and deltas, each on the one before it and one byte longer. */
export function deepChain(depth: number): RawObjects {
  const grown = (size: number) => [...copiesOf(size), Buffer.from([1, 0x61])];
  return chain(depth, Buffer.from("a chain begins\n"), grown, (size) => size + 1);
}

function chain(
  depth: number,
  base: Buffer,
  grown: (size: number) => Uint8Array[],
  sizeAfter: (size: number) => number,
): RawObjects {
  const entries = [Buffer.concat([entryHead(3, base.length), deflateSync(base)])];
  let size = base.length;
  for (let link = 0; link < depth; link++) {
    const next = sizeAfter(size);
    const delta = Buffer.concat([varint(size), varint(next), ...grown(size)]);
    // Type 6: the object it builds on is named by how far back in the pack it begins.
    const back = backwards(entries.at(-1)?.length ?? 0);
    entries.push(Buffer.concat([entryHead(6, delta.length), back, deflateSync(delta)]));
    size = next;
  }
  return { objects: entries.length, bytes: Buffer.concat(entries) };
}

/** Instructions of a delta that copy the first `size` bytes of what it builds on. */
function copiesOf(size: number): Uint8Array[] {
  const most = 0xff0000;
  return Array.from({ length: Math.ceil(size / most) }, (_, part) => {
    const copy = Buffer.alloc(8, 0xff);
    copy.writeUInt32LE(part * most, 1);
    copy.writeUIntLE(Math.min(most, size - part * most), 5, 3);
    return copy;
  });
}

function backwards(distance: number): Buffer {
  const bytes = [distance % 128];
  for (let left = Math.floor(distance / 128); left > 0; left = Math.floor(left / 128)) {
    left--;
    bytes.unshift(0x80 | (left % 128));
  }
  return Buffer.from(bytes);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 0x80);
  }
}

function entryHead(type: number, size: number): Buffer {
  const rest = Math.floor(size / 16);
  const first = (type << 4) | (size % 16);
  return rest === 0 ? Buffer.from([first]) : Buffer.concat([Buffer.from([first | 0x80]), varint(rest)]);
}

export function sendPack(
  run: InspectedRun,
  tip: string,
  parts: RawObjects[],
  padding: Uint8Array = Buffer.alloc(0),
): Promise<Response> {
  const head = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
  head.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.objects, 0),
    8,
  );
  const whole = Buffer.concat([head, ...parts.map((part) => part.bytes)]);
  const trailer = new Bun.CryptoHasher("sha1").update(whole).digest();
  return post(run, "git-receive-pack", commandsAnd(run, Buffer.concat([whole, trailer, padding]), tip));
}
