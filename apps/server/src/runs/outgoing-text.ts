import { cutUtf8 } from "@windshift/base/truncate.ts";

/**
 * What an agent or a stranger wrote, as a quotation for a forge. Every line starts with `> `, so no line is a command to the
 * forge or to a bot there; within, nobody is called, no item is closed or linked, and no HTML, image or hidden address stays.
 * @param bytesMax of the quotation
 * @param more said below what was cut
 */
export function quoteOutgoing(text: string, bytesMax: number, more: string): string {
  const quoted = disarm(cutUtf8(text.trim(), bytesMax))
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
  const isWhole = Math.max(Buffer.byteLength(text.trim()), Buffer.byteLength(quoted)) <= bytesMax;
  return isWhole ? quoted : `${cutUtf8(quoted, bytesMax)}…\n\n${more}`;
}

/** A name or a path within a line of ours: nothing that could become a link, an image, a call or a line of its own. */
export function inlineOutgoing(text: string): string {
  const plain = disarm(text).replace(/[\s`*_[\]()<>#!|\\]+/gu, " ");
  return cutUtf8(plain, INLINE_BYTES_MAX).trim();
}

/** A name or a path; longer ones are cut, bytes. */
const INLINE_BYTES_MAX = 300;

/** Takes from a text what a forge acts on, and leaves it to read as before. */
export function disarm(text: string): string {
  return text
    .toWellFormed()
    .replace(LINE_END, "\n")
    .replace(CONTROL, "")
    .replace(ACTIVE, `$&${BREAK}`)
    .replace(CLOSING, `$&${BREAK}`);
}

/** Takes no room, and parts what would belong together. */
const BREAK = "\u200b";

/** Whatever somebody takes for the end of a line. */
const LINE_END = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/** Control characters, and those that turn the direction of what is read. */
const CONTROL = /(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What makes, with what follows: a call, a reference, a character by its number, HTML, an image, a link with words of its own. */
const ACTIVE =
  /@|[#&](?=[#\w])|<(?=[a-z/!?])|!(?=[[\d])|\](?=[([:])|\bgh-(?=\d)|(?<=\/(?:issues|pulls?|merge_requests|work_items|epics))\/(?=\d)/gi;

/** `Closes PROJ-12`: closes an item when the pull request is merged. Source: the words of GitHub, GitLab and Forgejo. */
const CLOSING = /\b(?:clos|fix|resolv|implement|reopen)\w*(?=[\s:*_~]{1,8}(?:issues?\s)?\S{0,200}\d)/gi;
