/**
 * Whether a listing goes on, by the header `Link` that GitHub, GitLab and Forgejo all send. The size of a page does not tell:
 * a forge may give less than was asked for, and the last page may be full.
 */
export function hasNextPage(link: unknown): boolean {
  return typeof link === "string" && /;\s*rel="?next"?(?:\s*[,;]|\s*$)/.test(link.slice(0, LINK_CHARS_MAX));
}

/** How many pages a listing has, by the same header; undefined when it does not say, such as on the last of them. */
export function lastPageOf(link: unknown): number | undefined {
  if (typeof link !== "string") return undefined;
  for (const part of link.slice(0, LINK_CHARS_MAX).split(",")) {
    const [, page] = /[?&]page=(\d{1,6})(?=[&>])[^>]*>\s*;\s*rel="?last"?\s*$/.exec(part) ?? [];
    if (page !== undefined) return Number(page);
  }
  return undefined;
}

/** More of the header than any forge sends, characters. */
const LINK_CHARS_MAX = 8_192;
