import type { Member } from "@windshift/contract/api/workspace.ts";

/** A handle that is being written: where its `@` stands and what is there of it. */
export interface HalfHandle {
  at: number;
  typed: string;
}

/** Longest handle that is looked for while it is written, characters. */
const HANDLE_CHARS_MAX = 60;
/** How many are offered at once. */
const OFFERED_MAX = 8;

/** The handle that the cursor is in, as the server will read it: an `@` that begins a word, then letters and digits. */
export function halfHandle(text: string, cursor: number): HalfHandle | undefined {
  const before = text.slice(Math.max(0, cursor - HANDLE_CHARS_MAX), cursor);
  const match = /(?<![\p{L}\p{N}_@/.-])@([\p{L}\p{N}_.[\]-]*)$/u.exec(before);
  if (match?.[1] === undefined) return undefined;
  return { at: cursor - match[1].length - 1, typed: match[1].toLowerCase() };
}

/** Members whose handle or name begins with what was typed, then those that hold it; agents are members too. */
export function offerMembers(members: readonly Member[], typed: string): Member[] {
  const rank = ({ handle, name }: Member) => {
    const words = name.toLowerCase();
    if (handle.startsWith(typed) || words.startsWith(typed)) return 0;
    return handle.includes(typed) || words.includes(typed) ? 1 : 2;
  };
  return members
    .filter((member) => member.handle !== "" && rank(member) < 2)
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
    .slice(0, OFFERED_MAX);
}

/** The text with the handle in it, and where the cursor is then. */
export function withHandle(text: string, half: HalfHandle, handle: string): { text: string; cursor: number } {
  const before = `${text.slice(0, half.at)}@${handle} `;
  const after = text.slice(half.at + 1 + half.typed.length).replace(/^ /, "");
  return { text: before + after, cursor: before.length };
}
