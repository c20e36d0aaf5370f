import { PktReader } from "./pkt-line.ts";

/**
 * Reads receive-pack's report while it streams by. Without a report that says `unpack ok` and `ok <ref>`, in this order,
 * nothing counts as pushed.
 */
export class PushReport {
  private readonly outer = new PktReader();
  private readonly inner: PktReader;
  private unpacked = false;
  private done = false;

  /** @param sideBand whether the report comes inside band 1 of side-band-64k */
  constructor(
    private readonly ref: string,
    private readonly sideBand: boolean,
  ) {
    this.inner = sideBand ? new PktReader() : this.outer;
  }

  /** @returns true for the one chunk that completes the good news */
  push(chunk: Uint8Array): boolean {
    if (this.done) return false;
    this.outer.push(chunk);
    if (this.sideBand) this.unwrap();
    return this.readLines();
  }

  private unwrap(): void {
    for (let frame = this.outer.next(); frame !== undefined; frame = this.outer.next()) {
      if (frame.kind === "bad") this.done = true;
      if (frame.kind !== "data") return;
      if (frame.payload[0] === 1) this.inner.push(frame.payload.subarray(1));
    }
  }

  private readLines(): boolean {
    for (let frame = this.inner.next(); frame !== undefined; frame = this.inner.next()) {
      if (frame.kind !== "data") return this.finish(false);
      const line = Buffer.from(frame.payload).toString("latin1").replace(/\n$/, "");
      if (this.unpacked) return this.finish(line === `ok ${this.ref}`);
      if (line !== "unpack ok") return this.finish(false);
      this.unpacked = true;
    }
    return false;
  }

  private finish(pushed: boolean): boolean {
    this.done = true;
    return pushed;
  }
}
