import { open } from "node:fs/promises";
import { Oid } from "@windshift/contract/ids.ts";

export interface BundleHeader {
  /** Refs the bundle says it holds. */
  heads: Map<string, Oid>;
  /** Where the pack begins, bytes from the start of the file. */
  packOffset: number;
  /** As the pack itself says; git checks it. */
  objects: number;
}

/** Two refs and the prerequisites of one run fit many times over, bytes. */
const HEADER_BYTES_MAX = 262_144;

/**
 * Reads what stands before the pack of a bundle, version 2 only: partial and SHA-256 bundles are version 3. The file comes
 * from a hostile place, so everything not exactly in form is refused.
 * @returns undefined when it is no such bundle
 */
export async function readBundleHeader(path: string): Promise<BundleHeader | undefined> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(HEADER_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return parseBundleHeader(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/**
 * Reads what stands before the pack.
 * @returns undefined for what is no bundle of version 2, is cut off, or has a line that is not understood
 */
export function parseBundleHeader(bytes: Buffer): BundleHeader | undefined {
  const end = bytes.indexOf("\n\n");
  const packOffset = end + 2;
  if (end === -1 || bytes.toString("latin1", packOffset, packOffset + 4) !== "PACK") return undefined;
  if (bytes.length < packOffset + 12) return undefined;
  const [signature, ...lines] = bytes.toString("latin1", 0, end).split("\n");
  if (signature !== "# v2 git bundle") return undefined;
  const heads = new Map<string, Oid>();
  for (const line of lines) {
    if (/^-[0-9a-f]{40}(?: |$)/.test(line)) continue; // a prerequisite; git finds out whether it is there
    const [, oid, ref] = /^([0-9a-f]{40}) ([\x21-\x7e]+)$/.exec(line) ?? [];
    if (oid === undefined || ref === undefined || heads.has(ref)) return undefined;
    heads.set(ref, Oid.parse(oid));
  }
  return { heads, packOffset, objects: bytes.readUInt32BE(packOffset + 8) };
}
