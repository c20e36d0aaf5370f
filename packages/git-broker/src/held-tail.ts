/** Keeps back the end of a stream, whatever its chunks are: at least the last `bytesMin` bytes of what was pushed. */
export class HeldTail {
  private held: Uint8Array[] = [];
  private bytes = 0;

  constructor(private readonly bytesMin: number) {}

  /** @returns what may go on */
  push(chunk: Uint8Array): Uint8Array[] {
    this.held.push(chunk);
    this.bytes += chunk.length;
    let free = 0;
    for (let first = this.held[free]; first !== undefined; first = this.held[free]) {
      if (this.bytes - first.length < this.bytesMin) break;
      this.bytes -= first.length;
      free++;
    }
    return this.held.splice(0, free);
  }

  /** All that was kept. */
  rest(): Uint8Array[] {
    this.bytes = 0;
    return this.held.splice(0);
  }
}
