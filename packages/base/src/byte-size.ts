const UNITS = { b: 1, k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3, t: 1_024 ** 4 } as const;

/**
 * Reads `500m`, `20g`, `1.5t`, as container engines write sizes: powers of 1024, and no unit means bytes.
 * @returns bytes, or undefined when the text is not a size
 */
export function parseByteSize(text: string): number | undefined {
  const [, count, unit = "b"] = /^(\d+(?:\.\d+)?)([bkmgt])?$/.exec(text.toLowerCase()) ?? [];
  if (count === undefined) return undefined;
  const bytes = Math.round(Number(count) * UNITS[unit as keyof typeof UNITS]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes bytes the way people read them, in the units that `parseByteSize` takes: `20g`, `1.5g`, `812m`, `3k`, `17b`. */
export function formatByteSize(bytes: number): string {
  for (const unit of ["t", "g", "m", "k"] as const)
    if (bytes >= UNITS[unit]) return `${Number((bytes / UNITS[unit]).toFixed(1))}${unit}`;
  return `${bytes}b`;
}
