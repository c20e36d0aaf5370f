import { PKT_BYTES_MAX } from "./pkt-line.ts";

/** One pkt-line, the special ones of protocol 2 among them. A payload is never empty and stays valid. */
export type PktUnit =
  | { kind: "data"; payload: Uint8Array }
  | { kind: "flush" }
  | { kind: "delimiter" }
  | { kind: "end" };

/** The bytes are no pkt-lines. */
export class PktBroken extends Error {
  override readonly name = "PktBroken";
}

const SPECIAL: Record<string, PktUnit> = {
  "0000": { kind: "flush" },
  "0001": { kind: "delimiter" },
  "0002": { kind: "end" },
};

/**
 * Cuts chunks into pkt-lines wherever the chunks end.
 * @throws PktBroken
 */
export async function* pktUnits(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<PktUnit, void> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk]);
    let from = 0;
    for (;;) {
      const length = lengthAt(held, from);
      if (length === undefined || held.length - from < length) break;
      const unit = SPECIAL[held.toString("latin1", from, from + 4)];
      yield unit ?? { kind: "data", payload: held.subarray(from + 4, from + length) };
      from += length;
    }
    held = held.subarray(from);
  }
  if (held.length > 0) throw new PktBroken("the last pkt-line breaks off");
}

/**
 * The pkt-lines of a whole body, one by one, without a wait in between.
 * @throws PktBroken
 */
export function* unitsOf(body: Uint8Array): Generator<PktUnit, void> {
  const held = Buffer.from(body.buffer, body.byteOffset, body.length);
  for (let from = 0; from < held.length; ) {
    const length = lengthAt(held, from);
    if (length === undefined || held.length - from < length)
      throw new PktBroken("the last pkt-line breaks off");
    yield SPECIAL[held.toString("latin1", from, from + 4)] ?? {
      kind: "data",
      payload: held.subarray(from + 4, from + length),
    };
    from += length;
  }
}

/** The text of a line, bytes as Latin-1, without the line feed at its end. */
export function textOf({ payload }: { payload: Uint8Array }): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length)
    .toString("latin1")
    .replace(/\n$/, "");
}

/** How many bytes the unit at `from` takes, its length included; undefined while that cannot be told. */
function lengthAt(held: Buffer, from: number): number | undefined {
  if (held.length - from < 4) return undefined;
  const digits = held.toString("latin1", from, from + 4);
  if (SPECIAL[digits] !== undefined) return 4;
  const length = /^[0-9a-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
  if (length < 5 || length > PKT_BYTES_MAX) throw new PktBroken("a pkt-line of impossible length");
  return length;
}
