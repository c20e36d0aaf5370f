import { pktLine } from "./pkt-line.ts";
import { pktUnits } from "./pkt-units.ts";
import { printable } from "./printable.ts";

/** What a host says beside its report is kept for the sentence: last lines, and characters of each. */
const SAID_LINES_MAX = 6;
const SAID_CHARS_MAX = 200;
/** A report of one ref, bytes. */
const REPORT_BYTES_MAX = 65_536;

/**
 * Passes the answer to a push on, control characters of the host's words taken out, and reads it on the way.
 * @param onRefused hears what the host refused and its own words, before that line goes on; once
 * @throws PktBroken when it is no answer to a push or breaks off
 */
export async function* readReport(
  chunks: AsyncIterable<Uint8Array>,
  onRefused: (why: string) => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  const report = new ReportLines();
  const said = new SaidLines();
  let told = false;
  for await (const unit of pktUnits(chunks)) {
    if (unit.kind !== "data") {
      yield unit.kind === "flush" ? Buffer.from("0000") : Buffer.from("0001");
      continue;
    }
    const payload = Buffer.from(unit.payload);
    const band = payload[0] ?? 0;
    if (band > 3) report.line(payload);
    else if (band === 1) report.packed(payload.subarray(1));
    else said.push(cleaned(payload));
    if (report.refused !== undefined && !told) {
      told = true;
      await onRefused([report.refused, ...said.lines()].join(" / "));
    }
    yield pktLine(payload);
  }
}

/** The report itself: `unpack …`, then `ok <ref>` or `ng <ref> <why>`. */
class ReportLines {
  refused: string | undefined;
  private held = Buffer.alloc(0);

  line(payload: Uint8Array): void {
    const text = Buffer.from(payload).toString("latin1").replace(/\n$/, "");
    if (text === "unpack ok" || text.startsWith("ok ") || text.startsWith("option ")) return;
    this.refused ??= printable(text.replace(/^ng \S+ /, ""));
  }

  /** Band 1 holds pkt-lines of its own, cut anywhere. */
  packed(bytes: Uint8Array): void {
    this.held = Buffer.concat([this.held, bytes]).subarray(0, REPORT_BYTES_MAX);
    for (;;) {
      const length = Number.parseInt(this.held.toString("latin1", 0, 4), 16);
      const size = length === 0 ? 4 : length;
      if (!(size >= 4) || this.held.length < size) return;
      if (length > 4) this.line(this.held.subarray(4, length));
      this.held = this.held.subarray(size);
    }
  }
}

/** The last lines of what a host says for people. */
class SaidLines {
  private text = "";

  push(payload: Uint8Array): void {
    const more = Buffer.from(payload).toString("latin1", 1);
    this.text = (this.text + more).slice(-SAID_LINES_MAX * SAID_CHARS_MAX);
  }

  lines(): string[] {
    const lines = this.text.split(/[\r\n]+/).map((line) => line.trim());
    return lines
      .filter((line) => line !== "")
      .slice(-SAID_LINES_MAX)
      .map((line) => printable(line).slice(0, SAID_CHARS_MAX));
  }
}

/** Bands 2 and 3 go to a terminal: what could steer one becomes `?`. */
function cleaned(payload: Buffer): Buffer {
  for (let at = 1; at < payload.length; at++) {
    const byte = payload[at] ?? 0;
    const steers = byte < 0x20 || byte === 0x7f;
    if (steers && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) payload[at] = 0x3f;
  }
  return payload;
}
