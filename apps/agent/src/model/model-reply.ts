import { LLM_CONTEXT_TOKENS_MAX } from "@windshift/contract/limits.ts";
import {
  countOf,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  objectOf,
  parseJson,
  textOf,
} from "../json.ts";
import { type ToolCall, ToolCalls } from "./tool-calls.ts";

export type { ToolCall } from "./tool-calls.ts";

export interface ModelReply {
  text: string;
  /** What the model thought aloud, where the provider shows it. */
  reasoning?: string;
  /** The field it came in: a provider that wants it back wants it there. */
  reasoningField?: "reasoning_content" | "reasoning";
  toolCalls: ToolCall[];
  /** Calls over the limit of one reply, which are not in `toolCalls`. */
  callsDropped?: number;
  /** `stop`, `tool_calls`, `length` or whatever the provider says. */
  finishReason: string | undefined;
  usage: { inputTokens: number; outputTokens: number } | undefined;
}

/** @returns undefined when there is no choice with a message in it. */
export function parseReply(body: string): ModelReply | undefined {
  const reply = objectOf(parseJson(body));
  const choice = objectOf(listOf(reply.choices)[0]);
  if (!isObject(choice.message)) return undefined;
  const builder = new ReplyBuilder();
  builder.addWhole(reply);
  return builder.reply();
}

/** Puts a reply together, from the chunks of a stream or from one whole message. */
export class ReplyBuilder {
  /** Characters of text, reasoning and calls so far. */
  chars = 0;
  private text = "";
  private reasoning = "";
  private reasoningField: ModelReply["reasoningField"];
  private readonly calls = new ToolCalls();
  private readonly addPiece = (piece: JsonObject) => this.calls.add(piece);
  private readonly addCall = (call: JsonObject) => this.calls.addWhole(call);
  /** The one choice that is ours; we ask for one, and some servers send more. */
  private choiceIndex: number | undefined;
  private finishReason: string | undefined;
  private usage: ModelReply["usage"];

  /** Takes one chunk of a stream. @returns the new text in it */
  add(chunk: JsonObject): string {
    const choice = this.choiceOf(chunk);
    this.end(chunk, choice);
    if (isObject(choice.delta)) return this.addMessage(choice.delta, this.addPiece);
    // A whole message in an event is the reply itself, or a repetition of what came in pieces.
    return isObject(choice.message) && this.chars === 0 ? this.addWhole(chunk) : "";
  }

  /** Takes a reply that came at once. @returns its text */
  addWhole(reply: JsonObject): string {
    const choice = objectOf(listOf(reply.choices)[0]);
    this.end(reply, choice);
    return this.addMessage(objectOf(choice.message), this.addCall);
  }

  /** Whether the provider said why it ended; a stream that ends before that was cut. */
  isComplete(): boolean {
    return this.finishReason !== undefined;
  }

  reply(): ModelReply {
    const { dropped } = this.calls;
    return {
      text: this.text.toWellFormed(),
      ...(this.reasoningField === undefined
        ? {}
        : { reasoning: this.reasoning.toWellFormed(), reasoningField: this.reasoningField }),
      toolCalls: this.calls.list(),
      ...(dropped === 0 ? {} : { callsDropped: dropped }),
      finishReason: this.finishReason,
      usage: this.usage,
    };
  }

  private choiceOf(chunk: JsonObject): JsonObject {
    for (const item of listOf(chunk.choices)) {
      const choice = objectOf(item);
      const index = countOf(choice.index) ?? 0;
      this.choiceIndex ??= index;
      if (index === this.choiceIndex) return choice;
    }
    return {};
  }

  /** What a reply says about itself. Of figures that come with every chunk the last holds; Groq and Moonshot have places of their own for them. */
  private end(reply: JsonObject, choice: JsonObject): void {
    if (choice.finish_reason) this.finishReason = textOf(choice.finish_reason) ?? this.finishReason;
    const usage = reply.usage ?? choice.usage ?? objectOf(reply.x_groq).usage;
    if (usage) this.usage = usageOf(usage) ?? this.usage;
  }

  /** Looks only at what is there: a stream has thousands of these, and most are a word. */
  private addMessage(message: JsonObject, addCall: (call: JsonObject) => number): string {
    const { content, refusal, reasoning, reasoning_content: thoughts, tool_calls: calls } = message;
    let text = "";
    if (typeof content === "string") text = content;
    else if (content) text = this.addParts(content);
    if (refusal) text += textOf(refusal) ?? "";
    this.text += text;
    this.chars += text.length;
    if (thoughts) this.addReasoning("reasoning_content", thoughts);
    if (reasoning) this.addReasoning("reasoning", reasoning);
    for (const call of calls ? listOf(calls) : []) this.chars += addCall(objectOf(call));
    // The older form of a single call, before there were several.
    if (message.function_call && !listOf(calls).length)
      this.chars += addCall({ function: message.function_call });
    return text;
  }

  /** Content in parts, of which some have text and some, at Mistral, thoughts. @returns the text */
  private addParts(content: Json): string {
    let text = "";
    for (const item of isObject(content) ? [content] : listOf(content)) {
      const part = objectOf(item);
      text += textOf(part.text) ?? textOf(part.refusal) ?? "";
      for (const thought of listOf(part.thinking))
        this.addReasoning("reasoning_content", objectOf(thought).text);
    }
    return text;
  }

  /** Servers that fill both fields put the same into each: the first one seen counts. */
  private addReasoning(field: "reasoning_content" | "reasoning", thought: Json | undefined): void {
    const text = textOf(thought) ?? "";
    if (text === "" || (this.reasoningField ?? field) !== field) return;
    this.reasoningField = field;
    this.reasoning += text;
    this.chars += text.length;
  }
}

/** No request has 0 tokens: a server that says so does not count. */
function usageOf(value: Json | undefined): ModelReply["usage"] {
  const usage = objectOf(value);
  const inputTokens = tokensOf(usage.prompt_tokens ?? usage.input_tokens);
  const outputTokens = tokensOf(usage.completion_tokens ?? usage.output_tokens);
  return !inputTokens || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}

function tokensOf(value: Json | undefined): number | undefined {
  const count = countOf(value);
  return count !== undefined && count <= LLM_CONTEXT_TOKENS_MAX ? count : undefined;
}
