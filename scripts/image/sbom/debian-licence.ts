/** Short names of Debian's copyright format, and what SPDX calls the same license. Names Debian uses loosely are left out. */
const SPDX_NAMES: Record<string, string> = {
  "Apache-2.0": "Apache-2.0",
  "Artistic-2.0": "Artistic-2.0",
  "BSD-2-clause": "BSD-2-Clause",
  "BSD-3-clause": "BSD-3-Clause",
  "CC0-1.0": "CC0-1.0",
  Expat: "MIT",
  "GFDL-1.3": "GFDL-1.3-only",
  "GFDL-1.3+": "GFDL-1.3-or-later",
  "GPL-1+": "GPL-1.0-or-later",
  "GPL-2": "GPL-2.0-only",
  "GPL-2+": "GPL-2.0-or-later",
  "GPL-3": "GPL-3.0-only",
  "GPL-3+": "GPL-3.0-or-later",
  ISC: "ISC",
  "LGPL-2": "LGPL-2.0-only",
  "LGPL-2+": "LGPL-2.0-or-later",
  "LGPL-2.1": "LGPL-2.1-only",
  "LGPL-2.1+": "LGPL-2.1-or-later",
  "LGPL-3": "LGPL-3.0-only",
  "LGPL-3+": "LGPL-3.0-or-later",
  "MPL-1.1": "MPL-1.1",
  "MPL-2.0": "MPL-2.0",
  Zlib: "Zlib",
  curl: "curl",
};

/**
 * The license of a package whose parts are under these: all of them.
 * @returns an SPDX expression; null when there is no name, or one that has no SPDX name for certain
 */
export function licenceExpression(names: readonly string[]): string | null {
  const parts = [...new Set(names)].sort().map(spdxOf);
  if (parts.length === 0 || parts.some((part) => part === null)) return null;
  return [...new Set(parts)].join(" AND ");
}

/** `GPL-2+ or Expat` is a choice; Debian gives `and` and the comma less weight than `or`, which SPDX does not. */
function spdxOf(name: string): string | null {
  const groups = name
    .split(/,? and /)
    .map((group) => group.split(" or ").map((one) => SPDX_NAMES[one.trim()]));
  if (groups.flat().some((one) => one === undefined)) return null;
  return groups.map((group) => (group.length > 1 ? `(${group.join(" OR ")})` : group[0])).join(" AND ");
}
