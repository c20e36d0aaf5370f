import { LLM_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { ModelReply } from "../model/model-reply.ts";
import { RequestBody } from "../model/request-body.ts";
import type { Picture, ToolResult } from "../tools/tool.ts";
import { type Budget, budgetOf } from "./context-budget.ts";
import {
  type Entry,
  fullWeight,
  outputEntry,
  peopleEntry,
  picturesEntry,
  replyEntry,
  textEntry,
} from "./conversation-entry.ts";
import { type Load, TokenEstimate } from "./token-estimate.ts";
import { tokenWeight } from "./token-weight.ts";
import { WorkRecord } from "./work-record.ts";

/** What a call to the model is made from. */
export interface RequestSource {
  /** The whole request; good until the conversation changes. */
  requestBody(model: string, stream: boolean): Uint8Array<ArrayBuffer>;
  /** Takes the provider's own figures: tokens of the request just sent, and the window's size. */
  learn(inputTokens: number | undefined, window: number | undefined): void;
  /** Tokens of the request, estimated. */
  tokens(): number;
  tokensOf(text: string): number;
}

/** Puts a text where the model can read it. @returns its path; undefined when it cannot be kept */
type KeepText = (text: string) => string | undefined;

interface Carried {
  people: string[];
  summary: string;
  record: WorkRecord;
}

/** Bytes a request may have: what the broker takes, with room for one more turn. */
const BODY_BYTES_MAX = 0.8 * LLM_BODY_BYTES_MAX;
const UNREFUSED = { tokens: Number.POSITIVE_INFINITY, weight: Number.POSITIVE_INFINITY };
/** Smaller figures are no window but a mistake, tokens. */
const WINDOW_TOKENS_MIN = 1_000;
/** Entries that are never dropped: the system prompt and the head. */
export const PINNED = 2;

/** The messages of a run. Grows at its end; what was sent is changed by `replace` and `restart` only, so that prompt caches live. */
export class Conversation implements RequestSource {
  private entries: Entry[] = [];
  private bytes = 0;
  private load: Load = { weight: 0, pictures: 0 };
  private readonly toolsJson: string;
  private readonly fixedWeight: number;
  private readonly keptPaths = new Map<ReturnType<typeof Bun.hash>, string>();
  private readonly body = new RequestBody();
  private readonly estimate = new TokenEstimate();
  /** How many entries were in a request, and in one the provider gave a figure for. */
  private sent = 0;
  private countedEntries = 0;
  private windowTold: number;
  private windowInHeader: number | undefined;
  /** What refusals taught about the window: as they named it, and in weight, which holds whatever the ratio turns out to be. */
  private refused: { tokens: number; weight: number } = UNREFUSED;
  private pictures: Picture[] = [];
  private people: string[] = [];
  /** The task as it came; the head may show less of it. */
  task = "";
  private taskWeight = 0;
  /** What outlives the turns that are dropped. */
  readonly carried: Carried = { people: [], summary: "", record: new WorkRecord() };

  constructor(
    systemPrompt: string,
    tools: readonly object[],
    window: number,
    private readonly keepText: KeepText = () => undefined,
  ) {
    this.toolsJson = JSON.stringify(tools);
    this.windowTold = window;
    this.push(textEntry("system", systemPrompt));
    this.fixedWeight = tokenWeight(this.toolsJson) + this.load.weight;
    this.bytes += this.toolsJson.length;
    this.load.weight = this.fixedWeight;
  }

  /** The task, once and before anything else. It stays in every request. */
  addTask(text: string): void {
    const entry = textEntry("head", text);
    this.task = text;
    this.taskWeight = entry.weight;
    this.push(entry);
  }

  /** A message of a person. It is never lost; one without a word is none. */
  addMessage(text: string): void {
    if (text.trim() !== "") this.people.push(text);
  }

  /** The agent's own words to the model. */
  addUser(text: string): void {
    this.flush();
    this.push(textEntry("note", text));
  }

  addReply(reply: ModelReply): void {
    this.flush();
    const entry = replyEntry(reply);
    if (entry !== undefined) this.push(entry);
  }

  addToolResult(callId: string, result: ToolResult): void {
    this.push(outputEntry(callId, result));
    if (result.image !== undefined) this.pictures.push(result.image);
  }

  /** Model, tools and system prompt come first and are the same bytes in every call, for the provider's prompt cache. */
  requestBody(model: string, stream: boolean): Uint8Array<ArrayBuffer> {
    const entries = this.all();
    this.sent = entries.length;
    return this.body.encode(this.bodyHead(model, stream), entries);
  }

  learn(inputTokens: number | undefined, window: number | undefined): void {
    this.flush();
    if (inputTokens !== undefined) this.estimate.learn(inputTokens, this.load);
    this.countedEntries = this.entries.length;
    this.learnWindow(window);
  }

  tokens(): number {
    this.flush();
    return this.estimate.tokens(this.load);
  }

  tokensOf(text: string): number {
    return Math.ceil(this.estimate.uncounted(tokenWeight(text)));
  }
  tokensOfEntry(entry: Entry): number {
    return this.tokensOfWeight(fullWeight(entry));
  }
  tokensOfWeight(weight: number): number {
    return this.estimate.uncounted(weight);
  }

  /** Puts a text where the model can read it, once. @returns its path */
  readonly keep = (text: string): string | undefined => {
    const hash = Bun.hash(text);
    const path = this.keptPaths.get(hash) ?? this.keepText(text);
    if (path !== undefined) this.keptPaths.set(hash, path);
    return path;
  };

  /** Tokens the model takes, as told by the server, and as learned from what it refused. */
  window(): number {
    const { tokens, weight } = this.refused;
    const byBytes = BODY_BYTES_MAX * (this.tokens() / this.bytes);
    return Math.min(this.windowTold, tokens, weight * this.estimate.perWeight(), byBytes);
  }

  budget(): Budget {
    return budgetOf(
      this.window(),
      this.estimate.uncounted(this.fixedWeight),
      this.tokensOfWeight(this.taskWeight),
    );
  }

  /**
   * A request was refused as too long for the window.
   * @param share of it that is believed to fit
   * @param told the window the refusal named
   */
  learnRefusal(source: RequestSource, share: number, told: number | undefined): void {
    const { tokens, weight } = this.refused;
    const named = told !== undefined && told >= WINDOW_TOKENS_MIN ? told : Number.POSITIVE_INFINITY;
    const fitting = (source.tokens() * share) / this.estimate.perWeight();
    this.refused = { tokens: Math.min(tokens, named), weight: Math.min(weight, fitting) };
  }

  /** Every message, oldest first. */
  all(): readonly Entry[] {
    this.flush();
    return this.entries;
  }

  /** Whether the message at this place was in no request yet, so that changing it costs no cache. */
  isFresh(index: number): boolean {
    return index >= this.sent;
  }

  replace(index: number, entry: Entry): void {
    const old = this.entries[index];
    if (old === undefined) return;
    this.account(old, -1);
    if (index < this.countedEntries)
      this.estimate.removed({ weight: old.weight - entry.weight, pictures: old.pictures - entry.pictures });
    this.entries[index] = entry;
    this.body.changedFrom(index);
    this.account(entry, 1);
  }

  /** Goes on with another head and these messages after it. */
  restart(head: Entry, kept: readonly Entry[]): void {
    const system = this.entries.slice(0, 1);
    for (const entry of this.entries.slice(1)) this.account(entry, -1);
    this.entries = [...system];
    this.body.changedFrom(1);
    this.sent = 0;
    this.countedEntries = 0;
    this.estimate.restarted();
    for (const entry of [head, ...kept]) this.push(entry);
  }

  /** Messages `from` up to `to` after the pinned ones, and a question after them, as a request of its own. */
  asking(question: string, from: number, to: number): RequestSource {
    const asked = textEntry("note", question);
    const entries = [...this.entries.slice(0, PINNED), ...this.entries.slice(from, to), asked];
    const left = this.tokensAt(PINNED, from) + this.tokensAt(to, this.entries.length);
    const tokens = () => Math.ceil(this.tokens() - left + this.tokensOfEntry(asked));
    return {
      requestBody: (model, stream) => new RequestBody().encode(this.bodyHead(model, stream), entries),
      learn: (_, window) => this.learnWindow(window),
      tokens,
      tokensOf: (text) => this.tokensOf(text),
    };
  }

  /** What these entries contribute to the estimate of the whole; too little rather than too much. */
  private tokensAt(from: number, to: number): number {
    return this.entries.slice(from, to).reduce((sum, entry, at) => {
      const isCounted = from + at < this.countedEntries;
      return sum + (isCounted ? this.estimate.countedPart(fullWeight(entry)) : this.tokensOfEntry(entry));
    }, 0);
  }

  private bodyHead(model: string, stream: boolean): string {
    const mode = stream ? `"stream":true,"stream_options":{"include_usage":true},` : "";
    return `{"model":${JSON.stringify(model)},${mode}"tools":${this.toolsJson},"messages":[`;
  }

  private learnWindow(told: number | undefined): void {
    if (told === undefined || told < WINDOW_TOKENS_MIN || told === this.windowInHeader) return;
    // Another figure is another model or setting: what the refusals taught was about the one before.
    if (this.windowInHeader !== undefined) this.refused = UNREFUSED;
    this.windowInHeader = told;
    this.windowTold = told;
  }

  /** Pictures and messages wait until the results of a turn are all there. */
  private flush(): void {
    if (this.pictures.length > 0) {
      const pictures = this.pictures;
      this.pictures = [];
      this.push(picturesEntry(pictures));
    }
    if (this.people.length > 0) {
      const people = this.people;
      this.people = [];
      this.push(peopleEntry(people, people.join("\n\n")));
    }
  }

  private push(entry: Entry): void {
    this.entries.push(entry);
    this.account(entry, 1);
  }

  private account(entry: Entry, sign: 1 | -1): void {
    this.bytes += sign * entry.bytes;
    this.load.weight += sign * entry.weight;
    this.load.pictures += sign * entry.pictures;
  }
}
