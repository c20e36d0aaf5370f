import type { CallResult } from "../model/model-call.ts";
import type { ModelReply } from "../model/model-reply.ts";
import type { RequestSource } from "../model/request-source.ts";
import { cutMiddle } from "../tools/text-cut.ts";
import { summaryQuestion } from "./compaction-prompt.ts";
import { type Conversation, PINNED } from "./conversation.ts";
import {
  type Entry,
  peopleEntry,
  textEntry,
  withoutPictures,
  withoutReasoning,
} from "./conversation-entry.ts";
import { headFits, shownHead } from "./conversation-head.ts";
import { shownMessages } from "./people-messages.ts";
import { cutOutputs, keptFrom, outputsFrom, shortenUntil, weightOf } from "./shortening.ts";

/** Asks the model something on the side. */
export type AskAside = (source: RequestSource) => Promise<CallResult>;

/** A summary of fewer words would say less than the record does. */
const SUMMARY_WORDS_MIN = 100;
/** Less than this is no summary, characters; what stands beside a tool call is mostly "Let me look". */
const SUMMARY_CHARS_MIN = 80;
/** Words of a summary for each token it may have; a word is a little over one. */
const WORDS_PER_TOKEN = 0.6;
/** Least share of the room for turns that is worth a call to the model; less is recorded without one. */
const SUMMARIZED_SHARE_MIN = 0.15;
/** Tries to have a summary: a second one when the first turned out to be over the window. */
const SUMMARY_TRIES_MAX = 2;
/** Characters of the record of dropped steps for each token of a summary: it is the smaller half beside one, and stands alone without. */
const RECORD_CHARS_PER_TOKEN = 1.5;
/** What a refused request of the summary is believed to be over by, share of it that fits. */
const REFUSED_SHARE = 0.7;
/** Codes that end the run: a summary cannot be had, and neither can anything else. */
const FINAL_CODES = new Set(["unauthenticated", "budget_exhausted", "forbidden", "run_ended", "lease_lost"]);

/**
 * Drops all but the last turns. What was dropped is carried on in the message that begins with the task: people's messages, the
 * model's own summary, and what the agent recorded. Without a summary (the model failed, called a tool, said nothing) the record
 * and the summary before it have to do; so this never fails for what a model does.
 * @returns what ends the run: an abort, or a refusal that holds for every call
 */
export async function compact(conversation: Conversation, ask: AskAside): Promise<CallResult | undefined> {
  const from = keptFrom(conversation);
  const answer = await summarize(conversation, from, ask);
  if (typeof answer !== "string") {
    if (isFinal(answer)) return answer;
  } else conversation.carried.summary = answer;
  drop(conversation, from, typeof answer === "string");
  return undefined;
}

/** The last resort, without the model: cuts into the last turns, then drops them too. */
export function squeeze(conversation: Conversation): boolean {
  const before = conversation.tokens();
  const { full, kept } = conversation.budget();
  for (const [index, entry] of conversation.all().entries()) {
    if (entry.part.kind === "reply" && entry.part.reasons)
      conversation.replace(index, withoutReasoning(entry));
    if (entry.pictures > 0) conversation.replace(index, withoutPictures(entry));
  }
  if (conversation.tokens() > full) cutOutputs(conversation, outputsFrom(conversation, PINNED), kept / 2);
  if (conversation.tokens() > full) drop(conversation, conversation.all().length, false);
  return conversation.tokens() < before;
}

/** Puts what is shown of the task and of fresh messages within bounds before they are sent for the first time. */
export function fitFreshTexts(conversation: Conversation): boolean {
  const budget = conversation.budget();
  let changed = false;
  const from = conversation.freshFrom();
  for (const [at, entry] of conversation.all().slice(from).entries()) {
    const index = from + at;
    if (entry.part.kind === "head" && !headFits(conversation)) {
      conversation.replace(index, textEntry("head", shownHead(conversation)));
      changed = true;
    } else if (entry.part.kind === "people" && conversation.tokensOfEntry(entry) > budget.people) {
      conversation.replace(index, shownPeople(conversation, entry.part.texts, budget.people));
      changed = true;
    }
  }
  return changed;
}

/** @returns the summary, or the result of the call that gave none */
async function summarize(
  conversation: Conversation,
  until: number,
  ask: AskAside,
): Promise<string | CallResult> {
  let result = nothingToSummarize();
  for (let tries = 1; tries <= SUMMARY_TRIES_MAX; tries++) {
    const source = fittingQuestion(conversation, until);
    if (source === undefined) return result;
    result = await ask(source);
    if (result.kind === "reply") return summaryIn(result.reply, conversation) ?? result;
    if (result.kind !== "failure" || result.failure.kind !== "overflow") return result;
    conversation.learnRefusal(source, REFUSED_SHARE, undefined);
  }
  return result;
}

function nothingToSummarize(): CallResult {
  const message = "there is too little to summarize";
  return {
    kind: "failure",
    failure: { kind: "refused", code: undefined, message, retry: false, retryAfterMs: 0 },
  };
}

/**
 * The request for the summary: the messages before the last turns, which are the bytes that were sent before, and the question.
 * When that is over the window, old outputs are shortened, then the oldest turns left out.
 */
function fittingQuestion(conversation: Conversation, until: number): RequestSource | undefined {
  const { summary, kept } = conversation.budget();
  const words = Math.round(summary * WORDS_PER_TOKEN);
  if (words < SUMMARY_WORDS_MIN) return undefined;
  const question = summaryQuestion(words);
  const fits = (source: RequestSource) => source.tokens() + summary <= conversation.window();
  const whole = conversation.asking(question, PINNED, until);
  if (!isWorthwhile(conversation, PINNED, until, kept)) return undefined;
  if (fits(whole)) return whole;
  shortenUntil(conversation, until, 0);
  for (let from = PINNED; from < until; from++) {
    if (from > PINNED && conversation.all()[from]?.part.kind !== "reply") continue;
    if (!isWorthwhile(conversation, from, until, kept)) return undefined;
    const source = conversation.asking(question, from, until);
    if (fits(source)) return source;
  }
  return undefined;
}

function isWorthwhile(conversation: Conversation, from: number, until: number, room: number): boolean {
  const entries = conversation.all().slice(from, until);
  if (!entries.some((entry) => entry.part.kind === "reply")) return false;
  return conversation.tokensOfWeight(weightOf(entries)) > room * SUMMARIZED_SHARE_MIN;
}

function summaryIn(reply: ModelReply, conversation: Conversation): string | undefined {
  const text = reply.text.replace(/^\s*<think>[\s\S]*?<\/think>/, "").trim();
  if (text === "" || (reply.toolCalls.length > 0 && text.length < SUMMARY_CHARS_MIN)) return undefined;
  const { summary } = conversation.budget();
  return cutMiddle(text, summary, (part) => conversation.tokensOf(part));
}

function isFinal(result: CallResult): boolean {
  if (result.kind === "aborted") return true;
  return (
    result.kind === "failure" && result.failure.code !== undefined && FINAL_CODES.has(result.failure.code)
  );
}

/** Drops the turns before `until` and writes the head anew. */
function drop(conversation: Conversation, until: number, summarized: boolean): void {
  const dropped = conversation.all().slice(PINNED, until);
  const kept = conversation.all().slice(until);
  const { carried } = conversation;
  const budget = conversation.budget();
  carried.record.add(dropped);
  carried.people.push(...dropped.flatMap(({ part }) => (part.kind === "people" ? part.texts : [])));
  carried.recordChars = budget.summary * RECORD_CHARS_PER_TOKEN * (summarized ? 0.5 : 1);
  carried.withWords = !summarized;
  conversation.restart(
    textEntry("head", shownHead(conversation)),
    kept.map((entry) => boundedPeople(conversation, entry, budget.people)),
  );
}

function boundedPeople(conversation: Conversation, entry: Entry, tokensMax: number): Entry {
  if (entry.part.kind !== "people" || conversation.tokensOfEntry(entry) <= tokensMax) return entry;
  return shownPeople(conversation, entry.part.texts, tokensMax);
}

function shownPeople(conversation: Conversation, texts: readonly string[], tokensMax: number): Entry {
  return peopleEntry(
    texts,
    shownMessages(texts, tokensMax, (text) => conversation.tokensOf(text), conversation.keep),
  );
}
