/**
 * Cuts `text` to at most `bytesMax` bytes of UTF-8, on a character boundary. A cut text ends in a marker that says
 * how much is missing (the marker counts).
 */
export function truncateBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= bytesMax) return text;
  const marker = `… [${bytes - bytesMax} more bytes cut]`;
  const room = bytesMax - Buffer.byteLength(marker);
  if (room <= 0) return cutUtf8(text, bytesMax);
  return cutUtf8(text, room) + marker;
}

/** The longest prefix of `text` that fits in `bytesMax` bytes of UTF-8, without a marker. */
export function cutUtf8(text: string, bytesMax: number): string {
  const buffer = Buffer.from(text);
  if (buffer.length <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return buffer.toString("utf8", 0, end);
}
