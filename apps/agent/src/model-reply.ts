import { countOf, type Json, type JsonObject, listOf, objectOf, parseJson, textOf } from "./json.ts";

export interface ToolCall {
  id: string;
  name: string;
  /** JSON as the model wrote it; may be anything. */
  argsText: string;
}

export interface ModelReply {
  text: string;
  toolCalls: ToolCall[];
  /** `stop`, `tool_calls`, `length` or whatever the provider says. */
  finishReason: string | undefined;
  usage: { inputTokens: number; outputTokens: number } | undefined;
}

/** @returns undefined when there is no choice with a message in it. */
export function parseReply(body: string): ModelReply | undefined {
  const reply = objectOf(parseJson(body));
  const choice = objectOf(listOf(reply.choices)[0]);
  if (typeof choice.message !== "object" || choice.message === null) return undefined;
  const builder = new ReplyBuilder();
  builder.addDelta(objectOf(choice.message));
  return {
    ...builder.reply(),
    finishReason: textOf(choice.finish_reason),
    usage: usageOf(reply.usage),
  };
}

/** Puts a streamed reply together, chunk by chunk. */
export class ReplyBuilder {
  private text = "";
  private readonly calls: ToolCall[] = [];
  /** Providers tell the pieces of a call apart by `index`; those that leave it out send `id` with each call. */
  private readonly byIndex = new Map<number, ToolCall>();
  private finishReason: string | undefined;
  private usage: ModelReply["usage"];

  /**
   * Takes the data of one event.
   * @returns the new text in it; undefined when the event is not a chunk (an error object, broken JSON)
   */
  add(data: string): string | undefined {
    const chunk = parseJson(data);
    const fields = objectOf(chunk);
    if (chunk === undefined || fields.error !== undefined) return undefined;
    this.usage = usageOf(fields.usage) ?? this.usage;
    const choice = objectOf(listOf(fields.choices)[0]);
    this.finishReason = textOf(choice.finish_reason) ?? this.finishReason;
    return this.addDelta(objectOf(choice.delta));
  }

  /** Whether the provider said why it ended; a stream that ends before that was cut. */
  isComplete(): boolean {
    return this.finishReason !== undefined;
  }

  reply(): ModelReply {
    return {
      text: this.text,
      toolCalls: this.calls.filter((call) => call.name !== "" || call.argsText !== ""),
      finishReason: this.finishReason,
      usage: this.usage,
    };
  }

  addDelta(delta: JsonObject): string {
    const text = contentText(delta.content);
    this.text += text;
    for (const piece of listOf(delta.tool_calls)) this.addCallPiece(objectOf(piece));
    return text;
  }

  private addCallPiece(piece: JsonObject): void {
    const call = this.callOf(countOf(piece.index), textOf(piece.id));
    const fn = objectOf(piece.function);
    call.name += textOf(fn.name) ?? "";
    const args = fn.arguments;
    if (typeof args === "string") call.argsText += args;
    else if (args !== undefined && args !== null) call.argsText += JSON.stringify(args);
  }

  private callOf(index: number | undefined, id: string | undefined): ToolCall {
    const known =
      index !== undefined
        ? this.byIndex.get(index)
        : id === undefined
          ? this.calls.at(-1)
          : this.calls.find((call) => call.id === id);
    if (known !== undefined) return known;
    const call = { id: id || `call_${crypto.randomUUID()}`, name: "", argsText: "" };
    this.calls.push(call);
    if (index !== undefined) this.byIndex.set(index, call);
    return call;
  }
}

/** Content is a text, or a list of parts of which some have text. */
function contentText(content: Json | undefined): string {
  if (typeof content === "string") return content;
  return listOf(content)
    .map((part) => textOf(objectOf(part).text) ?? "")
    .join("");
}

function usageOf(value: Json | undefined): ModelReply["usage"] {
  const usage = objectOf(value);
  const inputTokens = countOf(usage.prompt_tokens);
  const outputTokens = countOf(usage.completion_tokens);
  return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}
