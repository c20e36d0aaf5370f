/** What the kernel and the loader of a target read of an executable. */
export interface ElfFacts {
  machine: string;
  /** The loader's path, undefined in a static executable. */
  interpreter: string | undefined;
  /** File names of the shared libraries it needs, in their order. */
  needed: string[];
  /** The newest glibc symbol version it asks for, such as `2.17`; undefined when it asks for none. */
  glibcMin: string | undefined;
}

/** Numbers of the ELF specification that the supported targets use. */
const MACHINES: Record<number, string> = { 62: "x86-64", 183: "aarch64" };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
/** Sizes of a record, bytes. */
const HEADER_BYTES = 64;
const DYNAMIC_BYTES = 16;

/**
 * Reads the headers of a 64-bit little-endian ELF executable; of its content only the dynamic section and its strings.
 * @throws Error when the file is not one
 */
export async function readElf(file: string): Promise<ElfFacts> {
  const read = async (offset: number, length: number) =>
    Buffer.from(
      await Bun.file(file)
        .slice(offset, offset + length)
        .arrayBuffer(),
    );
  const header = await read(0, HEADER_BYTES);
  if (
    header.length < HEADER_BYTES ||
    header.readUInt32BE(0) !== 0x7f454c46 ||
    header.readUInt16BE(4) !== 0x0201
  )
    throw new Error(`${file} is not a 64-bit little-endian ELF file`);
  const [at, size, count] = [
    Number(header.readBigUInt64LE(32)),
    header.readUInt16LE(54),
    header.readUInt16LE(56),
  ];
  const segments = parseSegments(await read(at, size * count), size);
  const contentOf = async (type: number) => {
    const found = segments.find((segment) => segment.type === type);
    return found === undefined ? Buffer.alloc(0) : read(found.offset, found.bytes);
  };
  const dynamic = parseDynamic(await contentOf(PT_DYNAMIC));
  const strings = await read(
    offsetOf(segments, dynamic.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0),
    dynamic.find(({ tag }) => tag === DT_STRSZ)?.value ?? 0,
  );
  const machine = header.readUInt16LE(18);
  return {
    machine: MACHINES[machine] ?? String(machine),
    interpreter: stringAt(await contentOf(PT_INTERP), 0) || undefined,
    needed: dynamic.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => stringAt(strings, value)),
    glibcMin: newestGlibc(strings),
  };
}

interface Segment {
  type: number;
  offset: number;
  address: number;
  bytes: number;
}

function parseSegments(table: Buffer, size: number): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; at + size <= table.length; at += size)
    segments.push({
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      bytes: Number(table.readBigUInt64LE(at + 32)),
    });
  return segments;
}

function parseDynamic(section: Buffer): { tag: number; value: number }[] {
  const entries: { tag: number; value: number }[] = [];
  for (let at = 0; at + DYNAMIC_BYTES <= section.length; at += DYNAMIC_BYTES)
    entries.push({
      tag: Number(section.readBigUInt64LE(at)),
      value: Number(section.readBigUInt64LE(at + 8)),
    });
  return entries;
}

/** The dynamic section speaks of addresses in memory; the file has them where the segment was loaded from. */
function offsetOf(segments: readonly Segment[], address: number): number {
  const home = segments.find(
    (one) => one.type === PT_LOAD && one.address <= address && address < one.address + one.bytes,
  );
  return home === undefined ? 0 : home.offset + (address - home.address);
}

function stringAt(strings: Buffer, at: number): string {
  const end = strings.indexOf(0, at);
  return strings.toString("latin1", at, end < 0 ? strings.length : end);
}

/** Version names stand among the dynamic strings, and no other string is written like one. */
function newestGlibc(strings: Buffer): string | undefined {
  const versions = [...strings.toString("latin1").matchAll(/(?<=\0)GLIBC_(\d+\.\d+)(?:\.\d+)?(?=\0)/g)];
  return versions
    .map((match) => match[1] ?? "")
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
}
