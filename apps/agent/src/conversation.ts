import type { Json } from "./json.ts";
import { parseJson } from "./json.ts";
import type { ModelReply, ToolCall } from "./model-reply.ts";
import type { ToolResult } from "./tool.ts";

/** Tokens a byte of request stands for until the provider's own figures say better. */
const TOKENS_PER_BYTE = 0.28;
/** Shares of the window: shortening starts above the first and goes on until under the second, so that it is rare and prompt caches live. */
const FULL_SHARE = 0.85;
const SHORTENED_SHARE = 0.6;
/** What is left of a shortened tool output, characters; shorter outputs are left alone. */
const SHORTENED_CHARS = 300;

interface Entry {
  /** The message as it goes into the request. Written once: the request is put together without encoding history anew. */
  json: string;
  tool: { callId: string; output: string } | undefined;
}

/** The messages of a run: grows at its end; only old tool outputs are ever changed. */
export class Conversation {
  private readonly entries: Entry[] = [];
  private bytes: number;
  private tokensPerByte = TOKENS_PER_BYTE;
  private readonly toolsJson: string;

  constructor(
    systemPrompt: string,
    tools: readonly object[],
    private window: number,
  ) {
    this.toolsJson = JSON.stringify(tools);
    this.bytes = this.toolsJson.length;
    this.add({ role: "system", content: systemPrompt });
  }

  addUser(text: string): void {
    this.add({ role: "user", content: text });
  }

  /** Repeats what the model said, so that it sees its own words; arguments that are no JSON go back as `{}`, which every provider accepts. */
  addReply(reply: ModelReply): void {
    const calls = reply.toolCalls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name || "unknown", arguments: sendableArgs(call) },
    }));
    if (reply.text === "" && calls.length === 0) return; // an empty message is refused by some providers
    this.add({
      role: "assistant",
      content: reply.text === "" && calls.length > 0 ? null : reply.text,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    });
  }

  addToolResult(callId: string, result: ToolResult): void {
    const output = result.output || "(no output)";
    this.add({ role: "tool", tool_call_id: callId, content: output }, { callId, output });
  }

  /** The whole request. Model, tools and system prompt come first and are the same bytes in every call, for the provider's prompt cache. */
  requestBody(model: string, stream: boolean): string {
    const mode = stream ? `"stream":true,"stream_options":{"include_usage":true},` : "";
    const messages = this.entries.map((entry) => entry.json).join(",");
    return `{"model":${JSON.stringify(model)},${mode}"tools":${this.toolsJson},"messages":[${messages}]}`;
  }

  /** Takes the provider's own figures: tokens of the request just sent, and the window's size. */
  learn(inputTokens: number | undefined, window: number | undefined): void {
    // A figure far off what text can be is a provider's mistake and would blind us.
    if (inputTokens !== undefined) this.tokensPerByte = Math.min(Math.max(inputTokens / this.bytes, 0.1), 1);
    if (window !== undefined) this.window = window;
  }

  /** Tokens of the next request, estimated. */
  tokens(): number {
    return Math.ceil(this.bytes * this.tokensPerByte);
  }
  tokensOf(text: string): number {
    return Math.ceil(Buffer.byteLength(text) * this.tokensPerByte);
  }

  /**
   * Shortens old tool outputs, oldest first, when the next request would come near the window.
   * @returns tokens before and after; undefined when there was room
   */
  makeRoom(): { before: number; after: number } | undefined {
    const before = this.tokens();
    if (before <= this.window * FULL_SHARE) return undefined;
    for (const entry of this.entries) {
      if (this.tokens() <= this.window * SHORTENED_SHARE) break;
      this.shorten(entry);
    }
    const after = this.tokens();
    return after < before ? { before, after } : undefined;
  }

  private shorten(entry: Entry): void {
    if (entry.tool === undefined || entry.tool.output.length <= 2 * SHORTENED_CHARS) return;
    const { callId, output } = entry.tool;
    const cut = output.length - SHORTENED_CHARS;
    const content = `${output.slice(0, SHORTENED_CHARS)}\n[${cut} characters of this old output were dropped to save room; run the tool again if you need them]`;
    this.bytes -= Buffer.byteLength(entry.json);
    entry.json = JSON.stringify({ role: "tool", tool_call_id: callId, content });
    entry.tool = undefined;
    this.bytes += Buffer.byteLength(entry.json);
  }

  private add(message: Json, tool?: Entry["tool"]): void {
    const json = JSON.stringify(message);
    this.entries.push({ json, tool });
    this.bytes += Buffer.byteLength(json);
  }
}

function sendableArgs(call: ToolCall): string {
  return parseJson(call.argsText) === undefined ? "{}" : call.argsText;
}
