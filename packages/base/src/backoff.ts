/**
 * Full-jitter exponential back-off.
 * @param tries how many tries failed so far, from 1
 * @returns a wait in ms between half of and the whole of min(firstMs * 2^(tries-1), maxMs)
 */
export function backoffMs(
  tries: number,
  firstMs: number,
  maxMs: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(firstMs * 2 ** Math.max(0, tries - 1), maxMs);
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
