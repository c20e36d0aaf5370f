import { type Json, jsonOf, listOf, objectOf, parseJson, textOf } from "../json.ts";
import type { ModelReply, ToolCall } from "../model/model-reply.ts";
import type { Picture, ToolResult } from "../tools/tool.ts";
import { type Load, PICTURE_TOKENS } from "./token-estimate.ts";
import { tokenWeight } from "./token-weight.ts";

/**
 * One message of the conversation as it goes into a request, with what it weighs.
 *
 *   system    the system prompt                       never changes
 *   head      the task; once something was dropped    written anew by each compaction
 *             also people's messages and the summary
 *   people    steering messages                       never lost: a compaction moves them into the head
 *   note      the agent's own words to the model      dropped with its turn
 *   reply     what the model said                     may lose its reasoning, then dropped with its turn
 *   output    the result of one call of that reply    whole → shortened → dropped with its turn
 *   pictures  pictures of the outputs before it       whole → a line of text → dropped with its turn
 *
 * A turn is a reply and everything up to the next one. Turns are dropped whole, so a call never loses its result.
 */
export interface Entry extends Load {
  readonly part: Part;
  /** Written once: requests are put together without encoding history anew. */
  readonly json: string;
  readonly bytes: number;
}

export type Part =
  | { kind: "system" | "head" | "note" }
  | { kind: "people"; texts: readonly string[] }
  | { kind: "reply"; reasons: boolean }
  | { kind: "output"; callId: string; exitCode: number | undefined; fullPath: string | undefined }
  | { kind: "pictures" };

/** Tokens of a message beside its text: role, marks of begin and end. */
const MESSAGE_WEIGHT = 6;
/** Tokens of a call beside its name and arguments: id and marks. */
const CALL_WEIGHT = 16;

/** A message of ours: the system prompt, the task at the head, or a note in between. */
export function textEntry(kind: "system" | "head" | "note", text: string): Entry {
  const message = { role: kind === "system" ? "system" : "user", content: text };
  return entryOf({ kind }, message, () => tokenWeight(text));
}

/** What people wrote meanwhile. @param shown as the model sees it, which may be shortened; `texts` are whole */
export function peopleEntry(texts: readonly string[], shown: string): Entry {
  return entryOf({ kind: "people", texts }, { role: "user", content: shown }, () => tokenWeight(shown));
}

/**
 * Repeats what the model said, so that it sees its own words; arguments that are no JSON go back as `{}`, which every
 * provider accepts.
 * @returns undefined for a reply of nothing or white space: such a message is refused by some providers
 */
export function replyEntry(reply: ModelReply): Entry | undefined {
  const calls = reply.toolCalls.map((call) => ({
    id: call.id,
    type: "function",
    function: { name: call.name || "unknown", arguments: sendableArgs(call) },
  }));
  const text = reply.text.trim();
  if (text === "" && calls.length === 0) return undefined;
  // Models that think between calls want their thoughts back; nobody else ever sent any.
  const reasoning = calls.length > 0 ? (reply.reasoning ?? "") : "";
  const message = {
    role: "assistant",
    content: text === "" ? null : text,
    ...(reasoning === "" ? {} : { [reply.reasoningField ?? "reasoning_content"]: reasoning }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return entryOf({ kind: "reply", reasons: reasoning !== "" }, message, () => replyWeight(message));
}

/** What a call gave back, word for word; nothing but white space is told as no output. */
export function outputEntry(callId: string, { output, exitCode, fullPath }: ToolResult): Entry {
  return writtenOutput(
    { kind: "output", callId, exitCode, fullPath },
    output.trim() === "" ? "(no output)" : output,
  );
}

/** The output of the same call with another text in its place. @param fullPath where the whole of it is */
export function shortenedOutput(entry: Entry, text: string, fullPath: string | undefined): Entry {
  if (entry.part.kind !== "output") return entry;
  return writtenOutput({ ...entry.part, fullPath }, text);
}

/** OpenAI-compatible tool messages hold text alone, so pictures follow them in a message of the user. */
export function picturesEntry(pictures: readonly Picture[]): Entry {
  const content: Json[] = [{ type: "text", text: "Pictures from the tool results above, in their order:" }];
  for (const { mediaType, base64 } of pictures)
    content.push({ type: "image_url", image_url: { url: `data:${mediaType};base64,${base64}` } });
  return picturesWith(content, pictures.length);
}

/** The same pictures but for the first one that is left. */
export function withoutFirstPicture(entry: Entry): Entry {
  if (entry.pictures <= 1) return withoutPictures(entry);
  const content = listOf(objectOf(parseJson(entry.json)).content);
  const first = content.findIndex((item) => objectOf(item).type === "image_url");
  const gone = "[a picture was dropped to save room; read its file again to see it]";
  return picturesWith(content.with(first, { type: "text", text: gone }), entry.pictures - 1);
}

function picturesWith(content: Json[], pictures: number): Entry {
  const texts = content.map((item) => textOf(objectOf(item).text) ?? "").join("\n");
  return entryOf({ kind: "pictures" }, { role: "user", content }, () => tokenWeight(texts), pictures);
}

/** The same reply without its reasoning. */
export function withoutReasoning(entry: Entry): Entry {
  const { reasoning_content: _, reasoning: _other, ...message } = objectOf(parseJson(entry.json));
  return entryOf({ kind: "reply", reasons: false }, message, () => replyWeight(message));
}

/** The same place without its pictures, and how to have them again. */
export function withoutPictures(entry: Entry): Entry {
  const text = `[${entry.pictures} pictures were dropped to save room; read their files again to see them]`;
  return entryOf({ kind: "pictures" }, { role: "user", content: text }, () => tokenWeight(text));
}

/** The text of a message of ours. */
export function contentOf(entry: Entry): string {
  return textOf(objectOf(parseJson(entry.json)).content) ?? "";
}

/** What an entry weighs, pictures included. */
export function fullWeight({ weight, pictures }: Load): number {
  return weight + pictures * PICTURE_TOKENS;
}

function writtenOutput(part: Extract<Part, { kind: "output" }>, content: string): Entry {
  return entryOf(part, { role: "tool", tool_call_id: part.callId, content }, () => tokenWeight(content));
}

function replyWeight(message: { [key: string]: Json }): number {
  let weight =
    tokenWeight(textOf(message.content) ?? "") +
    tokenWeight(textOf(message.reasoning_content) ?? textOf(message.reasoning) ?? "");
  for (const call of listOf(message.tool_calls)) {
    const { name, arguments: args } = objectOf(objectOf(call).function);
    weight += CALL_WEIGHT + tokenWeight(textOf(name) ?? "") + tokenWeight(textOf(args) ?? "");
  }
  return weight;
}

function entryOf(part: Part, message: Json, weigh: () => number, pictures = 0): Entry {
  return new MessageEntry(part, jsonOf(message), weigh, pictures);
}

/** Is weighed when that is first asked for; until then it holds on to its texts for it. */
class MessageEntry implements Entry {
  readonly bytes: number;
  private known = 0;
  constructor(
    readonly part: Part,
    readonly json: string,
    private weigh: (() => number) | undefined,
    readonly pictures: number,
  ) {
    this.bytes = Buffer.byteLength(json);
  }

  get weight(): number {
    if (this.weigh !== undefined) this.known = this.weigh() + MESSAGE_WEIGHT;
    this.weigh = undefined;
    return this.known;
  }
}

function sendableArgs({ argsText }: ToolCall): string {
  const args = parseJson(argsText);
  if (args === undefined) return "{}";
  return /\\u[dD]/.test(argsText) ? jsonOf(args) : argsText;
}
