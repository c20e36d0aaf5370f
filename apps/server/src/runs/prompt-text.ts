import { withoutHidden } from "@windshift/base/hidden-text.ts";
import { cutUtf8 } from "@windshift/base/truncate.ts";
import type { PromptNote } from "@windshift/contract/api/run.ts";

/** Notes of one prompt that are kept: what goes beyond is more of the same. */
const NOTES_MAX = 100;
/** A name in a label, characters. */
const LABEL_NAME_CHARS_MAX = 120;

/** What was done to the texts of one prompt. */
export class PromptNotes {
  readonly all: PromptNote[] = [];

  add(note: PromptNote): void {
    if (this.all.length < NOTES_MAX) this.all.push(note);
  }

  /** A text by people as their readers see it; what was hidden in it is noted. */
  clean(text: string, where: string): string {
    const { text: shown, found } = withoutHidden(text);
    for (const { kind: what, count, removed, excerpt } of found)
      this.add({ kind: "hidden", where, what, count, removed, excerpt });
    return shown;
  }

  /**
   * Cuts a text that is clean to its share; what is missing is noted, and said at its end.
   * @param command prints all of it; undefined when none does
   */
  cut(text: string, where: string, jsonBytesMax: number, command: string | undefined): string {
    if (jsonBytes(text) <= jsonBytesMax) return text;
    const bytes = Buffer.byteLength(text);
    let kept = text;
    // What has to be escaped takes more than its own bytes.
    for (let size = jsonBytes(kept); size > jsonBytesMax && kept !== ""; size = jsonBytes(kept))
      kept = cutUtf8(kept, Math.floor((Buffer.byteLength(kept) * jsonBytesMax) / size) - 1);
    const left = Buffer.byteLength(kept);
    this.add({ kind: "cut", where, bytes, kept: left });
    const rest = command === undefined ? "" : `; \`${command}\` has all of it`;
    return `${kept}\n[${bytes - left} more bytes are cut${rest}]`;
  }
}

/** What a text takes in the line that carries it to the agent. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** A fence longer than any run of backticks inside: nothing in it can close it. */
export function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
  const mark = "`".repeat(longest + 1);
  return `${mark}text\n${text}\n${mark}`;
}

/** A name that people chose, so that it says nothing beyond itself: one line in quotes. */
export function quoteName(name: string): string {
  const plain = withoutHidden(name).text.replace(/["`\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  return `"${plain.slice(0, LABEL_NAME_CHARS_MAX)}"`;
}
