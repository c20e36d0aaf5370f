import { cutMiddle } from "../tools/text-cut.ts";
import { cutNotice, headText } from "./compaction-prompt.ts";
import type { Conversation } from "./conversation.ts";
import { shownMessages } from "./people-messages.ts";

/** Tries to cut notes to their room; each takes off more. */
const TRIES_MAX = 6;
const NOTES_CUT = "\n(cut: the window is too small for all of them; read these files with read_file)";

/** Whether task and notes take no more than their shares of the window. */
export function headFits(conversation: Conversation): boolean {
  const { task, notes } = conversation.budget();
  const tokens = (text: { weight: number }) => conversation.tokensOfWeight(text.weight);
  return tokens(conversation.task) <= task && tokens(conversation.notes) <= notes;
}

/** The message that stays in every request: task, notes, and what is carried on of what was dropped, each in its share of the window. */
export function shownHead(conversation: Conversation): string {
  const budget = conversation.budget();
  const { people, summary, record, recordChars, withWords } = conversation.carried;
  const tokensOf = (text: string) => conversation.tokensOf(text);
  return headText({
    task: shownTask(conversation, budget.task),
    notes: cutNotes(conversation.notes.text, budget.notes, tokensOf),
    people: shownMessages(people, budget.people, tokensOf, conversation.keep),
    summary: cutMiddle(summary, budget.summary, tokensOf),
    record: record.text(recordChars, withWords),
  });
}

/** The task whole when it fits its share of the window, else its two ends. */
function shownTask(conversation: Conversation, tokensMax: number): string {
  const { text, weight } = conversation.task;
  if (conversation.tokensOfWeight(weight) <= tokensMax) return text;
  const path = conversation.keep(text);
  return cutMiddle(
    text,
    tokensMax,
    (part) => conversation.tokensOf(part),
    (chars) => cutNotice(chars, "task", path, "the window is too small for all of it"),
  );
}

/** The first lines, as each has its mark at its beginning; nothing when there is no room for any. */
export function cutNotes(notes: string, tokensMax: number, tokensOf: (text: string) => number): string {
  const tokens = tokensOf(notes);
  if (tokens <= tokensMax) return notes;
  let chars = (notes.length * tokensMax) / tokens - NOTES_CUT.length;
  for (let tries = 1; tries <= TRIES_MAX && chars > 0; tries++, chars *= 0.8) {
    const lines = notes.slice(0, notes.lastIndexOf("\n", chars));
    const cut = `${lines}${NOTES_CUT}`;
    if (lines.includes("\n| ") && tokensOf(cut) <= tokensMax) return cut;
  }
  return "";
}
