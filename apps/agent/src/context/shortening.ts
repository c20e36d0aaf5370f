import { TURN_PICTURE_BYTES_MAX } from "../tools/picture-budget.ts";
import { cutMiddle, headAndTail } from "../tools/text-cut.ts";
import { cutNotice } from "./compaction-prompt.ts";
import { type Conversation, PINNED } from "./conversation.ts";
import {
  contentOf,
  type Entry,
  fullWeight,
  shortenedOutput,
  withoutFirstPicture,
  withoutPictures,
  withoutReasoning,
} from "./conversation-entry.ts";

/** What is left of an old output at each end, characters. Outputs of a few times as much are left alone: little would be won. */
const SHORTENED_CHARS = 200;
const SHORTENED_WEIGHT_MIN = 400;
/** About what a shortened output weighs, to know beforehand what shortening can win. */
const SHORTENED_WEIGHT = 170;
/** Turns at the end that are neither shortened nor dropped, as long as they fit their share of the window. */
const KEPT_TURNS_MAX = 8;
/** Bytes of all pictures in a request, as base64 and with what stands around them: those of one turn are never dropped for it. */
const PICTURE_BYTES_MAX = Math.ceil((4 / 3) * TURN_PICTURE_BYTES_MAX) + 65_536;
/** Least tokens an output is cut to. */
const OUTPUT_TOKENS_MIN = 60;

/**
 * Where the last turns begin: as many whole turns as fit the budget, and at least the last one. A turn is a reply and all that
 * follows it up to the next, so a call is never parted from its result.
 */
export function keptFrom(conversation: Conversation): number {
  const entries = conversation.all();
  const budget = conversation.budget().kept;
  let from = entries.length;
  let tokens = 0;
  let turns = 0;
  for (let at = entries.length - 1; at >= PINNED; at--) {
    const entry = entries[at];
    if (entry === undefined) break;
    tokens += conversation.tokensOfEntry(entry);
    if (turns > 0 && tokens > budget) break;
    if (entry.part.kind !== "reply") continue;
    from = at;
    if (++turns === KEPT_TURNS_MAX) break;
  }
  return from;
}

/** Cuts outputs no request has held yet down to their share of the window: that costs no cache. @returns whether it did anything */
export function cutFreshOutputs(conversation: Conversation): boolean {
  const fresh = outputsFrom(conversation, Math.max(PINNED, conversation.freshFrom()));
  return fresh.length > 0 && cutOutputs(conversation, fresh, conversation.budget().fresh);
}

/**
 * Makes room in what is older than the last turns: reasoning first, then pictures, then outputs, oldest first, until the budget
 * for it is met. Changes nothing when that cannot be met, as each change costs the provider's cache.
 */
export function shortenOld(conversation: Conversation): boolean {
  const until = keptFrom(conversation);
  const target = conversation.budget().shortened;
  if (conversation.tokens() - gain(conversation, until) > target) return false;
  return shortenUntil(conversation, until, target);
}

/** Drops the oldest pictures, one by one, until all take no more than one turn may bring. @returns whether it did anything */
export function dropOldPictures(conversation: Conversation): boolean {
  let changed = false;
  while (conversation.pictureBytes() > PICTURE_BYTES_MAX) {
    const entries = conversation.all();
    const index = entries.findIndex(({ pictures }) => pictures > 0);
    const entry = entries[index];
    if (entry === undefined) return changed;
    conversation.replace(index, withoutFirstPicture(entry));
    changed = true;
  }
  return changed;
}

/** The same down to any number of tokens, as far as it goes. */
export function shortenUntil(conversation: Conversation, until: number, target: number): boolean {
  let changed = false;
  for (const shorter of [thoughtless, pictureless, shortOutput]) {
    for (let index = PINNED; index < until; index++) {
      if (conversation.tokens() <= target) return changed;
      const entry = conversation.all()[index];
      const short = entry === undefined ? undefined : shorter(entry, conversation);
      if (short === undefined) continue;
      conversation.replace(index, short);
      changed = true;
    }
  }
  return changed;
}

/** Cuts the largest of these outputs so far that all together fit the limit. */
export function cutOutputs(
  conversation: Conversation,
  indexes: readonly number[],
  tokensMax: number,
): boolean {
  const entries = conversation.all();
  const sizes = indexes.map((index) => {
    const entry = entries[index];
    return entry === undefined ? 0 : conversation.tokensOfEntry(entry);
  });
  const level = levelOf(sizes, tokensMax);
  let changed = false;
  for (const [at, index] of indexes.entries()) {
    const entry = entries[index];
    if (entry === undefined || (sizes[at] ?? 0) <= level) continue;
    const text = contentOf(entry);
    const path = fullPathOf(entry, text, conversation);
    const cut = cutMiddle(
      text,
      level,
      (part) => conversation.tokensOf(part),
      (chars) => cutNotice(chars, "output", path, "ask for less at a time"),
    );
    if (cut === text) continue;
    conversation.replace(index, shortenedOutput(entry, cut, path));
    changed = true;
  }
  return changed;
}

/** Places of the outputs of tools in the conversation, from one place on. */
export function outputsFrom(conversation: Conversation, from: number): number[] {
  const fresh = conversation.all().slice(from);
  return fresh.flatMap(({ part }, at) => (part.kind === "output" ? [from + at] : []));
}

/** Tokens that shortening everything before `until` would win. */
function gain(conversation: Conversation, until: number): number {
  let tokens = 0;
  for (const entry of conversation.all().slice(PINNED, until)) {
    const { part } = entry;
    if (part.kind === "reply" && part.reasons)
      tokens += conversation.tokensOfEntry(entry) - conversation.tokensOfEntry(withoutReasoning(entry));
    else if (entry.pictures > 0) tokens += conversation.tokensOfEntry(entry);
    else if (isLong(entry)) tokens += conversation.tokensOfWeight(entry.weight - SHORTENED_WEIGHT);
  }
  return tokens;
}

function thoughtless(entry: Entry): Entry | undefined {
  return entry.part.kind === "reply" && entry.part.reasons ? withoutReasoning(entry) : undefined;
}

function pictureless(entry: Entry): Entry | undefined {
  return entry.pictures > 0 ? withoutPictures(entry) : undefined;
}

function shortOutput(entry: Entry, conversation: Conversation): Entry | undefined {
  if (!isLong(entry)) return undefined;
  const text = contentOf(entry);
  const path = fullPathOf(entry, text, conversation);
  const short = headAndTail(text, SHORTENED_CHARS, (chars) =>
    cutNotice(chars, "old output", path, "run the tool again if you need them"),
  );
  return shortenedOutput(entry, short, path);
}

/** Where the whole of an output is: the file its tool named, or one made now. */
function fullPathOf({ part }: Entry, text: string, conversation: Conversation): string | undefined {
  return (part.kind === "output" ? part.fullPath : undefined) ?? conversation.keep(text);
}

function isLong({ part, weight, json }: Entry): boolean {
  return part.kind === "output" && weight > SHORTENED_WEIGHT_MIN && json.length > 4 * SHORTENED_CHARS;
}

/** The size down to which the largest have to be cut so that all together make up the limit. */
function levelOf(sizes: readonly number[], max: number): number {
  let left = max;
  const sorted = sizes.toSorted((a, b) => a - b);
  for (const [at, size] of sorted.entries()) {
    const share = left / (sorted.length - at);
    if (size > share) return Math.max(share, OUTPUT_TOKENS_MIN);
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}

/** Weight of these entries, pictures included. */
export function weightOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + fullWeight(entry), 0);
}
