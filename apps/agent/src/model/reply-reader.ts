import { LLM_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { objectOf, parseJson } from "../json.ts";
import { findApiError } from "./api-error.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { brokenReply, failureInReply, type ModelFailure, noRoomToAnswer, tooLong } from "./model-failure.ts";
import { type ModelReply, parseReply, ReplyBuilder } from "./model-reply.ts";
import { SseParser } from "./sse.ts";

/** Text, thoughts and arguments of one reply, characters: the longest replies of models, 128k tokens, are a third of it. */
export const REPLY_CHARS_MAX = 2_097_152;
/** Bytes of a streamed reply: a chunk of a few characters has 300 bytes around them, so the characters are what bounds it; this is for a flood of chunks without any. */
const STREAM_BYTES_MAX = 128 * 1_048_576;
/** What a message shows of a reply that is none, characters. */
const SHOWN_CHARS = 200;
const OPENING_BRACE = 123;
const SPACE = 32;
const BOM_BYTES = new Set([0xef, 0xbb, 0xbf]);

export type Read = { kind: "text"; text: string } | { kind: "failure"; failure: ModelFailure };
export type ReplyEnd = { kind: "reply"; reply: ModelReply } | { kind: "failure"; failure: ModelFailure };

/**
 * Reads the body of an answer of 200: an event stream or one JSON document, whichever it is. A server may send the one where
 * the other was asked for, or say that it is the other; the body decides.
 */
export class ReplyReader {
  /** The server has said that nothing follows. */
  done = false;
  private readonly builder = new ReplyBuilder();
  private readonly events = new SseParser();
  private readonly document = new ByteBuffer();
  private mode: "stream" | "document" | undefined;

  constructor(contentType: string) {
    if (!contentType.includes("text/event-stream")) this.mode = "document";
  }

  /** How long the body may be, bytes; known once it has begun. */
  readonly bytesMax = (): number => (this.mode === "stream" ? STREAM_BYTES_MAX : LLM_BODY_BYTES_MAX);

  /** Takes the next bytes. @returns the new text in them, or why reading on is of no use */
  push(bytes: Uint8Array): Read {
    this.mode ??= modeOf(bytes);
    if (this.mode === "stream") return this.pushEvents(bytes);
    this.document.add(bytes);
    return { kind: "text", text: "" };
  }

  /** Whether the reply is whole already, so that only figures can follow. */
  isComplete(): boolean {
    return this.builder.isComplete();
  }

  /** What it all came to, and the text that was not told of yet. */
  end(): ReplyEnd & { text: string } {
    if (this.mode !== "document") return this.endStream();
    const body = this.document.take();
    // A stream that is not called one is read as one all the same, if late.
    if (/^\s*(?:data|event|id|retry)?:/.test(body.slice(0, 100))) return this.reread(body);
    return endDocument(body);
  }

  private pushEvents(bytes: Uint8Array): Read {
    let text = "";
    for (const data of this.events.push(bytes)) {
      const read = this.take(data);
      if (read.kind === "failure") return read;
      text += read.text;
      if (this.done) break;
    }
    return { kind: "text", text };
  }

  private take(data: string): Read {
    const trimmed = data.trim();
    if (trimmed === "[DONE]") this.done = true;
    if (this.done || trimmed === "") return { kind: "text", text: "" };
    const chunk = parseJson(trimmed);
    if (chunk === undefined) return this.takeLines(trimmed);
    const error = findApiError(chunk);
    if (error !== undefined && !this.isComplete()) return { kind: "failure", failure: failureInReply(error) };
    const text = this.builder.add(objectOf(chunk));
    if (this.builder.chars > REPLY_CHARS_MAX)
      return { kind: "failure", failure: tooLong(`the reply is over ${REPLY_CHARS_MAX} characters`) };
    return { kind: "text", text };
  }

  /** Some servers leave out the empty line between events, which makes one event of several chunks. */
  private takeLines(data: string): Read {
    const [line = "", ...rest] = data.split("\n");
    if (rest.length === 0) return failed(`the stream holds no chunk but ${shown(data)}`);
    let text = "";
    for (const one of [line, ...rest]) {
      const read = this.take(one);
      if (read.kind === "failure") return read;
      text += read.text;
    }
    return { kind: "text", text };
  }

  private endStream(): ReplyEnd & { text: string } {
    const rest = this.done ? undefined : this.events.end();
    // Half an event is nothing; a whole one that only lacks the empty line after it counts.
    const read = rest === undefined ? undefined : this.take(rest);
    if (read?.kind === "failure" && parseJson(rest ?? "") !== undefined) return { ...read, text: "" };
    const text = read?.kind === "text" ? read.text : "";
    const reply = this.builder.reply();
    // `[DONE]` without a reason is an end too, if anything was said before it.
    if (this.isComplete() || (this.done && this.builder.chars > 0)) return { ...accepted(reply), text };
    return { ...failed("the stream ended before the reply was complete"), text };
  }

  private reread(body: string): ReplyEnd & { text: string } {
    const read = this.pushEvents(Buffer.from(body));
    if (read.kind === "failure") return { ...read, text: "" };
    const end = this.endStream();
    return { ...end, text: read.text + end.text };
  }
}

/** What is called a stream may be a document; undefined until something other than white space and a byte order mark has come. */
function modeOf(bytes: Uint8Array): "stream" | "document" | undefined {
  const first = bytes.find((byte) => byte > SPACE && !BOM_BYTES.has(byte));
  if (first === undefined) return undefined;
  return first === OPENING_BRACE ? "document" : "stream";
}

function endDocument(body: string): ReplyEnd & { text: string } {
  const text = body.startsWith("\uFEFF") ? body.slice(1) : body;
  const reply = parseReply(text);
  if (reply !== undefined && text.length > REPLY_CHARS_MAX && charsOf(reply) > REPLY_CHARS_MAX)
    return {
      kind: "failure",
      failure: tooLong(`the reply is over ${REPLY_CHARS_MAX} characters`),
      text: "",
    };
  if (reply !== undefined) return { ...accepted(reply), text: reply.text };
  const error = findApiError(parseJson(text));
  if (error !== undefined) return { kind: "failure", failure: failureInReply(error), text: "" };
  return { ...failed(`the reply is not a completion: ${shown(text) || "(empty)"}`), text: "" };
}

/** An empty reply is one: the loop asks the model again in words. Only where there was no room for words does it not help. */
function accepted(reply: ModelReply): ReplyEnd {
  const isEmpty = reply.text === "" && reply.toolCalls.length === 0 && reply.reasoning === undefined;
  const outOfRoom = ["length", "model_context_window_exceeded"].includes(reply.finishReason ?? "");
  return isEmpty && outOfRoom ? { kind: "failure", failure: noRoomToAnswer() } : { kind: "reply", reply };
}

function charsOf(reply: ModelReply): number {
  const args = reply.toolCalls.reduce((sum, call) => sum + call.argsText.length, 0);
  return reply.text.length + (reply.reasoning?.length ?? 0) + args;
}

function failed(message: string): { kind: "failure"; failure: ModelFailure } {
  return { kind: "failure", failure: brokenReply(message) };
}

function shown(text: string): string {
  return text.trim().slice(0, SHOWN_CHARS).toWellFormed();
}
