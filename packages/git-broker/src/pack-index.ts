import { readFile } from "node:fs/promises";

const MAGIC = 0xff744f63;
/** Magic and version before the table of counts, bytes. */
const HEADER_BYTES = 8;
const FANOUT = 256;
/** SHA-1, bytes. */
const OID_BYTES = 20;

/** The ids of the objects of one pack, from the index that our own git made of it. */
export class PackIndex {
  private constructor(private readonly oids: Buffer) {}

  static readonly empty = new PackIndex(Buffer.alloc(0));

  static async read(file: string): Promise<PackIndex> {
    const bytes = await readFile(file);
    if (bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt32BE(4) !== 2)
      throw new Error(`${file} is no pack index of version 2`);
    const from = HEADER_BYTES + FANOUT * 4;
    const count = bytes.readUInt32BE(from - 4);
    return new PackIndex(bytes.subarray(from, from + count * OID_BYTES));
  }

  get count(): number {
    return this.oids.length / OID_BYTES;
  }

  has(oid: string): boolean {
    const wanted = Buffer.from(oid, "hex");
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.oids.compare(wanted, 0, OID_BYTES, middle * OID_BYTES, (middle + 1) * OID_BYTES);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }

  *[Symbol.iterator](): Generator<string, void> {
    for (let i = 0; i < this.count; i++) yield this.oids.toString("hex", i * OID_BYTES, (i + 1) * OID_BYTES);
  }
}
