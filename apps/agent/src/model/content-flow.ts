import type { Emit } from "../event-writer.ts";

/** Text is shown at once when it is the first, then at most this often, ms: a line for every token costs more than reading it. */
const SHOW_MS = 100;
/** Text of one event, characters: a transcript cuts longer ones. */
const CONTENT_CHARS_MAX = 16_384;

/** Turns the text of a reply, as it trickles in, into `content` events of a sensible size. */
export class ContentFlow {
  /** Characters emitted so far. */
  shown = 0;
  private waiting = "";
  private shownAtMs = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;
  constructor(private readonly emit: Emit) {}

  readonly push = (text: string): void => {
    this.waiting += text;
    const waitMs = this.shownAtMs + SHOW_MS - performance.now();
    if (waitMs <= 0) this.show(endOfWhole(this.waiting));
    else this.timer ??= setTimeout(() => this.show(endOfWhole(this.waiting)), waitMs);
  };

  /** Shows what still waits. */
  end(): void {
    this.show(this.waiting.length);
  }

  private show(end: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (let from = 0; from < end; ) {
      const to = Math.min(end, from + CONTENT_CHARS_MAX);
      const text = this.waiting.slice(from, to < end ? from + endOfWhole(this.waiting.slice(from, to)) : to);
      this.emit({ type: "content", text });
      from += text.length;
    }
    this.shown += end;
    this.waiting = this.waiting.slice(end);
    this.shownAtMs = performance.now();
  }
}

/** Where the last whole character ends: half a surrogate pair waits for its other half. */
function endOfWhole(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}
