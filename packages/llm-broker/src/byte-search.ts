const { includes, lastIndexOf } = Buffer.prototype;

/**
 * Whether `bytes` hold `part`. Without a Buffer of them: to make one takes longer than to search a token of a stream, since
 * it makes an object of the memory behind it as well.
 */
export function contains(bytes: Uint8Array, part: Buffer): boolean {
  return includes.call(bytes, part);
}

/** Place of the last `part` in `bytes`; -1 when there is none. */
export function lastPlaceOf(bytes: Uint8Array, part: Buffer): number {
  return lastIndexOf.call(bytes, part);
}

/** The text of bytes that are UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
