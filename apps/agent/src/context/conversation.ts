import { LLM_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { ModelReply } from "../model/model-reply.ts";
import { RequestBody } from "../model/request-body.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Picture, ToolResult } from "../tools/tool.ts";
import { type Budget, budgetOf } from "./context-budget.ts";
import { ContextMeter } from "./context-meter.ts";
import { ContextWindow } from "./context-window.ts";
import {
  type Entry,
  fullWeight,
  outputEntry,
  peopleEntry,
  picturesEntry,
  replyEntry,
  textEntry,
} from "./conversation-entry.ts";
import { PICTURE_TOKENS } from "./token-estimate.ts";
import { tokenWeight, WeighedText } from "./token-weight.ts";
import { WorkRecord } from "./work-record.ts";

/** Puts a text where the model can read it. @returns its path; undefined when it cannot be kept */
type KeepText = (text: string) => string | undefined;

interface Carried {
  people: string[];
  summary: string;
  record: WorkRecord;
  /** How much of the record is shown, characters, and whether with the model's last words. */
  recordChars: number;
  withWords: boolean;
}

/** Bytes a request may have: what the broker takes, with room for the question of a summary. */
const BODY_BYTES_MAX = 0.9 * LLM_BODY_BYTES_MAX;
/** Entries that are never dropped: the system prompt and the head. */
export const PINNED = 2;

/** The messages of a run. Grows at its end; what was sent is changed by `replace` and `restart` only, so that prompt caches live. */
export class Conversation implements RequestSource {
  private entries: Entry[] = [];
  private readonly tools: WeighedText;
  private readonly meter: ContextMeter;
  private readonly contextWindow: ContextWindow;
  private readonly keptPaths = new Map<ReturnType<typeof Bun.hash>, string>();
  private readonly body = new RequestBody();
  /** How many entries were in a request. */
  private sent = 0;
  private pictures: Picture[] = [];
  private people: string[] = [];
  /** The person's words, and what the repository says of itself, as they came; the head may show less of them. */
  task = new WeighedText("");
  notes = new WeighedText("");
  /** What outlives the turns that are dropped. */
  readonly carried: Carried = {
    people: [],
    summary: "",
    record: new WorkRecord(),
    recordChars: 0,
    withWords: false,
  };

  constructor(
    systemPrompt: string,
    tools: readonly object[],
    window: number,
    private readonly keepText: KeepText = () => undefined,
  ) {
    this.tools = new WeighedText(JSON.stringify(tools));
    this.meter = new ContextMeter(this.tools);
    this.contextWindow = new ContextWindow(window);
    this.push(textEntry("system", systemPrompt));
  }

  /** The task and the notes behind it, once and before anything else. The task stays in every request. */
  addTask(task: string, notes = ""): void {
    this.task = new WeighedText(task.trim() === "" ? "(no task was given)" : task);
    this.notes = new WeighedText(notes);
    this.push(textEntry("head", `${this.task.text}${notes}`));
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

  learn(inputTokens: number | undefined, window: number | undefined): string | undefined {
    this.flush();
    if (inputTokens !== undefined) this.meter.learn(inputTokens, this.entries.length);
    return this.contextWindow.learn(window);
  }

  tokens(): number {
    this.flush();
    return this.meter.tokens();
  }
  tokensOf(text: string): number {
    return Math.ceil(this.tokensOfWeight(tokenWeight(text)));
  }
  tokensOfEntry(entry: Entry): number {
    return this.tokensOfWeight(fullWeight(entry));
  }
  tokensOfWeight(weight: number): number {
    return this.meter.uncounted(weight);
  }

  /** Bytes of messages with pictures. */
  pictureBytes(): number {
    this.flush();
    return this.meter.pictureBytes;
  }

  /** Puts a text where the model can read it, once. @returns its path */
  readonly keep = (text: string): string | undefined => {
    const hash = Bun.hash(text);
    const path = this.keptPaths.get(hash) ?? this.keepText(text);
    if (path !== undefined) this.keptPaths.set(hash, path);
    return path;
  };

  /** Tokens the model takes, and tokens of text that are as long as a request may be beside its pictures. */
  window(): number {
    this.flush();
    const { weight, pictures } = this.meter.total();
    const { bytes, pictureBytes } = this.meter;
    const perByte = this.tokensOfWeight(weight) / (bytes - pictureBytes);
    const byBytes = (BODY_BYTES_MAX - pictureBytes) * perByte + pictures * PICTURE_TOKENS;
    return Math.min(this.contextWindow.tokens(this.meter.perWeight()), byBytes);
  }

  budget(): Budget {
    return budgetOf(this.window(), {
      fixed: this.tokensOfWeight(this.tools.weight + (this.entries[0]?.weight ?? 0)),
      task: this.tokensOfWeight(this.task.weight),
      notes: this.tokensOfWeight(this.notes.weight),
    });
  }

  /**
   * Whether everything has room by a bound that costs nothing: no text has more tokens than bytes. Most runs are never weighed
   * for it. False says nothing.
   */
  isSurelyRoomy(): boolean {
    this.flush();
    const { bytes, pictureBytes } = this.meter;
    if (this.contextWindow.isDoubted || pictureBytes > 0 || bytes > BODY_BYTES_MAX) return false;
    const [task, notes] = [this.task.bytes, this.notes.bytes];
    const fixed = this.tools.bytes + (this.entries[0]?.bytes ?? 0);
    const budget = budgetOf(this.contextWindow.told, { fixed, task, notes });
    const fresh = this.entries.slice(this.sent);
    const bytesOf = (kind: string) =>
      fresh.reduce((sum, { part, bytes }) => (part.kind === kind ? sum + bytes : sum), 0);
    return (
      bytes <= budget.full &&
      task <= budget.task &&
      notes <= budget.notes &&
      bytesOf("output") <= budget.fresh &&
      bytesOf("people") <= budget.people
    );
  }

  /**
   * A request was refused as too long for the window.
   * @param share of it that is believed to fit
   * @param told the window the refusal named
   */
  learnRefusal(source: RequestSource, share: number, told: number | undefined): void {
    this.contextWindow.learnRefusal(told, (source.tokens() * share) / this.meter.perWeight());
  }

  /** Every message, oldest first. */
  all(): readonly Entry[] {
    this.flush();
    return this.entries;
  }

  /** From this place on messages were in no request yet, so that changing them costs no cache. */
  freshFrom(): number {
    return this.sent;
  }

  replace(index: number, entry: Entry): void {
    const old = this.entries[index];
    if (old === undefined) return;
    this.meter.replace(index, old, entry);
    this.entries[index] = entry;
    this.body.changedFrom(index);
  }

  /** Goes on with another head and these messages after it. */
  restart(head: Entry, kept: readonly Entry[]): void {
    this.meter.restart(this.entries.slice(1));
    this.entries = this.entries.slice(0, 1);
    this.body.changedFrom(1);
    this.sent = 0;
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
      learn: (_, window) => this.contextWindow.learn(window),
      tokens,
      tokensOf: (text) => this.tokensOf(text),
    };
  }

  /** What these entries contribute to the estimate of the whole; too little rather than too much. */
  private tokensAt(from: number, to: number): number {
    return this.entries.slice(from, to).reduce((sum, entry, at) => {
      const isCounted = this.meter.isCounted(from + at);
      return sum + (isCounted ? this.meter.countedPart(fullWeight(entry)) : this.tokensOfEntry(entry));
    }, 0);
  }

  private bodyHead(model: string, stream: boolean): string {
    const mode = stream ? `"stream":true,"stream_options":{"include_usage":true},` : "";
    return `{"model":${JSON.stringify(model)},${mode}"tools":${this.tools.text},"messages":[`;
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
    this.meter.add(entry);
  }
}
