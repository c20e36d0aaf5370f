/**
 * How a window is shared out.
 *
 *   window = reply room + full;  full = fixed (system prompt, tools) + task + notes + work;  work = summary + people + turns
 *
 * No `max_tokens` is sent: its name differs between providers, reasoning models refuse or miscount it, and without it servers
 * give what the window has left. That is why the reply has room of its own here. A reply cut all the same is continued.
 */
export interface Budget {
  /** Tokens a request may have; above it room is made. */
  full: number;
  /** At most for the task, which is sent whole when it takes no more. */
  task: number;
  /** At most for the notes of the repository: what the task leaves of its share, as the task comes first. */
  notes: number;
  /** What shortening has to reach; when it cannot, the conversation is compacted. */
  shortened: number;
  /** Outputs of one turn. */
  fresh: number;
  /** The last turns, which a compaction keeps word for word. */
  kept: number;
  summary: number;
  /** Messages of people that a compaction carries over. */
  people: number;
}

/** The room kept for a reply: a fifth of the window, at most what long thinking takes, tokens. */
const REPLY_SHARE = 0.2;
const REPLY_TOKENS_MAX = 32_000;
/** At most for the task, share of what system prompt and tools leave: the rest has to do for the work. */
const TASK_SHARE = 0.6;
/** At most for notes, share of the same. */
const NOTES_SHARE = 0.15;
/** Shares of what the task leaves. Together below 1, so that a compaction makes room for several turns. */
const SHORTENED_SHARE = 0.55;
const FRESH_SHARE = 0.35;
const KEPT_SHARE = 0.35;
const SUMMARY_SHARE = 0.15;
const PEOPLE_SHARE = 0.1;
/** Least work room, share of the window, when system prompt and task take it all: the request may then fail, but not for a budget of nothing. */
const WORK_SHARE_MIN = 0.1;

/** What is in every request, tokens: system prompt and tools, the whole task, all notes. */
interface Constant {
  fixed: number;
  task: number;
  notes: number;
}

/** Divides a window among what stands in every request and the work of the run, tokens. However much stands there, work keeps a share. */
export function budgetOf(window: number, { fixed, task, notes }: Constant): Budget {
  const full = window - Math.min(window * REPLY_SHARE, REPLY_TOKENS_MAX);
  const room = Math.max(full - fixed, window * WORK_SHARE_MIN);
  const taskMax = room * TASK_SHARE;
  const notesMax = Math.min(room * NOTES_SHARE, taskMax - Math.min(task, taskMax));
  const work = room - Math.min(task, taskMax) - Math.min(notes, notesMax);
  return {
    full,
    task: taskMax,
    notes: notesMax,
    shortened: full - work * (1 - SHORTENED_SHARE),
    fresh: work * FRESH_SHARE,
    kept: work * KEPT_SHARE,
    summary: work * SUMMARY_SHARE,
    people: work * PEOPLE_SHARE,
  };
}
