import { isUtf8 } from "node:buffer";
import { characterStart } from "./text-cut.ts";

const NEWLINE = 10;
const RETURN = 13;

export interface WindowLimits {
  /** Number of the first line and how many, both from 1. */
  start: number;
  count: number;
  /** What is shown of one line, bytes. */
  lineBytesMax: number;
  /** What is shown of all, bytes. */
  bytesMax: number;
}

/** What a window has seen. */
export interface WindowView {
  /** Numbered lines, as the model reads them. */
  text: string;
  shown: number;
  /** Lines seen so far, in the window or not. */
  lines: number;
  /** Shown lines that end with CRLF, and with any newline. */
  crlf: number;
  ended: number;
  /** The first line that was shortened. */
  shortened: number | undefined;
  /** The room ran out before the count did. */
  full: boolean;
  lossy: boolean;
}

/** Keeps some lines of a stream of bytes and counts the others. Memory is bounded by what is shown, whatever comes. */
export class LineWindow {
  private readonly texts: string[] = [];
  private bytes = 0;
  private lines = 0;
  private crlf = 0;
  private ended = 0;
  private shortened: number | undefined;
  private full = false;
  private lossy = false;
  /** The line that is still open: its first bytes, its length and its last byte. */
  private pieces: Buffer[] = [];
  private kept = 0;
  private length = 0;
  private lastByte = 0;

  constructor(private readonly limits: WindowLimits) {}

  /** True once more bytes only add to the count. */
  get filled(): boolean {
    return this.full || this.lines >= this.limits.start - 1 + this.limits.count;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.extend(chunk, from, at);
      this.close(true);
      from = at + 1;
    }
    this.extend(chunk, from, chunk.length);
  }

  /** @param whole false when bytes are left that were not pushed */
  end(whole: boolean): WindowView {
    if (whole && this.length > 0) this.close(false);
    const { lines, crlf, ended, shortened, full, lossy } = this;
    return {
      text: this.texts.join("\n"),
      shown: this.texts.length,
      lines,
      crlf,
      ended,
      shortened,
      full,
      lossy,
    };
  }

  private get inside(): boolean {
    return !this.filled && this.lines >= this.limits.start - 1;
  }

  private extend(chunk: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.length += to - from;
    if (!this.inside) return;
    this.lastByte = chunk[to - 1] ?? 0;
    const room = this.limits.lineBytesMax + 1 - this.kept; // one more, so that a return before the newline costs no text
    if (room <= 0) return;
    const piece = Buffer.from(chunk.subarray(from, Math.min(to, from + room)));
    this.pieces.push(piece);
    this.kept += piece.length;
  }

  private close(newline: boolean): void {
    if (this.inside) this.show(newline);
    this.lines++;
    this.pieces = [];
    this.kept = 0;
    this.length = 0;
    this.lastByte = 0;
  }

  private show(newline: boolean): void {
    const number = this.lines + 1;
    const crlf = newline && this.lastByte === RETURN;
    const length = this.length - (crlf ? 1 : 0);
    const bytes = Buffer.concat(this.pieces).subarray(0, length);
    const cut = bytes.subarray(
      0,
      length > this.limits.lineBytesMax ? characterStart(bytes, this.limits.lineBytesMax) : length,
    );
    const rest = length - cut.length;
    const text = `${number}\t${cut.toString("utf8").replaceAll("\0", "�")}${rest === 0 ? "" : `… [+${rest} bytes]`}`;
    const size = Buffer.byteLength(text) + 1;
    if (this.texts.length > 0 && this.bytes + size > this.limits.bytesMax) {
      this.full = true;
      return;
    }
    this.bytes += size;
    this.texts.push(text);
    if (crlf) this.crlf++;
    if (newline) this.ended++;
    if (rest > 0) this.shortened ??= number;
    this.lossy ||= !isUtf8(cut) || cut.includes(0);
  }
}
