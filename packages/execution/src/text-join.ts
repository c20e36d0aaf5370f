/** Types whose events are pieces of one text: what a program prints, and what a model says. */
export type JoinedType = "stdout" | "stderr" | "content";

/** Largest joined text, bytes: half of an event, and a few of them fill a batch. */
const JOINED_BYTES_MAX = 32_768;
const BETWEEN: Record<JoinedType, string> = { stdout: "\n", stderr: "\n", content: "" };

/** Holds neighboring pieces of one text until they are taken as one: a program that prints single lines floods nobody. */
export class TextJoin {
  private pieces: string[] = [];
  private bytes = 0;
  private type: JoinedType = "stdout";

  /** @returns false, and holds nothing new, when `piece` is of another type or has no room: take first */
  push(type: JoinedType, piece: string): boolean {
    const bytes = Buffer.byteLength(piece) + BETWEEN[type].length;
    if (this.pieces.length > 0 && (type !== this.type || this.bytes + bytes > JOINED_BYTES_MAX)) return false;
    this.type = type;
    this.pieces.push(piece);
    this.bytes += bytes;
    return true;
  }

  /** What is held, as one text; undefined when there is nothing. */
  take(): { type: JoinedType; text: string } | undefined {
    if (this.pieces.length === 0) return undefined;
    const text = this.pieces.join(BETWEEN[this.type]);
    this.pieces = [];
    this.bytes = 0;
    return { type: this.type, text };
  }
}
