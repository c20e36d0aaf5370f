/** Lines for a program's stdin, written by one side and read by the other. Closing it ends the input. */
export class StdinQueue implements AsyncIterable<string> {
  private readonly lines: string[] = [];
  private closed = false;
  private wake: (() => void) | undefined;

  /** @returns false when the input is already closed and the line went nowhere */
  push(line: string): boolean {
    if (this.closed) return false;
    this.lines.push(line);
    this.wake?.();
    return true;
  }

  close(): void {
    this.closed = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const line = this.lines.shift();
      if (line !== undefined) yield line;
      else if (this.closed) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
