/**
 * Splits a server-sent event stream into the `data` of its events. Takes LF, CRLF and CR; joins several data lines of one event;
 * skips comments and other fields. Text may be cut anywhere between two `push` calls.
 */
export class SseParser {
  private readonly decoder = new TextDecoder();
  private rest = "";
  private data: string[] = [];

  push(bytes: Uint8Array): string[] {
    this.rest += this.decoder.decode(bytes, { stream: true });
    const events: string[] = [];
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      // A CR at the very end may be half of a CRLF: wait for what follows.
      if (end === -1 || (this.rest[end] === "\r" && end === this.rest.length - 1)) return events;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith("\r\n", end) ? 2 : 1));
      this.take(line, events);
    }
  }

  private take(line: string, events: string[]): void {
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
    } else if (line.startsWith("data:")) {
      this.data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}
