/**
 * Headers of a file that a browser saves and never shows. What agents and others wrote can look like a page or a picture whatever its
 * type is said to be; opened all the same it is nobody's page: it has no origin, runs nothing and loads nothing (WB-21).
 * @param name of the file, made by us: letters, digits, `.`, `-` and `_`
 */
export function attachmentHeaders(type: string, name: string): Record<string, string> {
  return {
    "content-type": type,
    "content-disposition": `attachment; filename="${name}"`,
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cache-control": "no-store",
  };
}
