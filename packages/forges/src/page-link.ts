/**
 * Whether a listing goes on, by the header `Link` that GitHub, GitLab and Forgejo all send. The size of a page does not tell:
 * a forge may give less than was asked for, and the last page may be full.
 */
export function hasNextPage(link: unknown): boolean {
  return typeof link === "string" && /;\s*rel="?next"?(?:\s*[,;]|\s*$)/.test(link.slice(0, LINK_CHARS_MAX));
}

/** More of the header than any forge sends, characters. */
const LINK_CHARS_MAX = 8_192;
