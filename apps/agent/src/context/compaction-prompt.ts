/** Asked after the last message of the part that will be dropped. `tools` stay in the request, so that it repeats the prefix the provider has cached. */
export function summaryQuestion(words: number): string {
  return `Your context window is nearly full, so what was said so far will be dropped, except for the task, people's messages and your latest steps. Do not call a tool now. Answer with a summary for yourself, of at most ${words} words, from which you can go on. Facts, names, paths, numbers and exact error texts count; do not retell what is done and over. Use these sections:

## Task
What is to be achieved, with every condition from people, in your words.
## Plan
The steps, and which are done.
## Decisions
What was decided or found out, and why.
## Files
Files written or read that matter, what is in them or what changed.
## Remaining
What is left to do, next step first.
## Open problems
Failures, doubts, things to check.`;
}

export interface HeadParts {
  /** The task, or as much of it as the window takes. */
  task: string;
  /** Notes of the repository, or what there is room for; empty when there are none. */
  notes: string;
  /** Steering messages as they are shown; empty when there were none. */
  people: string;
  /** The model's own words; empty when there are none. */
  summary: string;
  /** What the agent itself recorded of the dropped turns. */
  record: string;
}

/** The one message of the user that stands for everything a compaction dropped. The task comes first and unchanged. */
export function headText({ task, notes, people, summary, record }: HeadParts): string {
  const given = `${task}${notes}`;
  if (people === "" && summary === "" && record === "") return given;
  const parts = [
    given,
    "---\nEarlier steps of yours were dropped to save room in your context window. What is kept of them follows; go on from there, do not start over.",
  ];
  if (people !== "") parts.push(`# Messages from people while you worked, oldest first\n\n${people}`);
  if (summary !== "") parts.push(`# Your own summary of the dropped steps\n\n${summary}`);
  if (record !== "") parts.push(`# Recorded of the dropped steps\n\n${record}`);
  return parts.join("\n\n");
}

/** Stands where the middle of a text was. @param path of the whole text, where it is kept */
export function cutNotice(chars: number, what: string, path: string | undefined, otherwise: string): string {
  const where = path === undefined ? otherwise : `all of it is in ${path}`;
  return `[... ${chars} characters of this ${what} were dropped to save room; ${where} ...]`;
}
