import { LLM_HEADER_MS_MAX } from "@windshift/contract/limits.ts";
import { BodyReader, TooLong } from "./body-reader.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { type CallLimits, CallWatchdog } from "./call-watchdog.ts";
import { brokenReply, failureOf, type ModelFailure, noAnswer, tooLong, wordsOf } from "./model-failure.ts";
import type { ModelReply } from "./model-reply.ts";
import { ReplyReader } from "./reply-reader.ts";

export type CallResult =
  | { kind: "reply"; reply: ModelReply; contextWindow: number | undefined }
  | { kind: "failure"; failure: ModelFailure }
  | { kind: "aborted" };

/** A little longer than the broker waits itself, so that its typed answer arrives before we give up, ms. */
const HEADER_MS_MAX = LLM_HEADER_MS_MAX + 30_000;
/** Silence within a reply after which it counts as broken, ms. */
const SILENCE_MS_MAX = 300_000;
/** Wait for the figures that follow a whole reply, and for the end of its body, ms: some servers never close it. */
const AFTER_END_MS_MAX = 5_000;
/** One reply from its request to its end, ms: against one that drips for ever. 128k tokens at 36 a second take as long. */
const REPLY_MS_MAX = 3_600_000;
/** What is read of the body of a refusal, bytes. */
const REFUSAL_BYTES_MAX = 65_536;

export const CALL_LIMITS: CallLimits = {
  headerMsMax: HEADER_MS_MAX,
  silenceMsMax: SILENCE_MS_MAX,
  afterEndMsMax: AFTER_END_MS_MAX,
  replyMsMax: REPLY_MS_MAX,
};

export interface CallRequest {
  url: string;
  apiKey: string | undefined;
  body: string | Uint8Array<ArrayBuffer>;
}

/**
 * Posts one completion request and reads the reply to its end, streamed or not, whichever the server sends. Ends at once when
 * `signal` aborts, in whatever state; never rejects.
 * @param onText gets the text as it arrives, also of a reply that then breaks off
 */
export async function callModel(
  request: CallRequest,
  onText: (text: string) => void,
  signal: AbortSignal,
  limits = CALL_LIMITS,
): Promise<CallResult> {
  const watchdog = new CallWatchdog(signal, limits.replyMsMax);
  try {
    watchdog.expect(limits.headerMsMax);
    const response = await Promise.race([post(request, watchdog.signal), watchdog.gone]);
    if (response instanceof NoResponse)
      return { kind: "failure", failure: noAnswer(request.url, response.cause) };
    watchdog.expect(limits.silenceMsMax);
    return await readResponse(response, onText, watchdog, limits);
  } catch (cause) {
    if (signal.aborted) return { kind: "aborted" };
    if (cause instanceof TooLong)
      return { kind: "failure", failure: tooLong(`the reply is too long: ${cause.message}`) };
    return { kind: "failure", failure: brokenReply(`the reply broke off: ${wordsOf(cause)}`) };
  } finally {
    watchdog.end();
  }
}

class NoResponse {
  constructor(readonly cause: unknown) {}
}

function post(request: CallRequest, signal: AbortSignal): Promise<Response | NoResponse> {
  return fetch(request.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "accept-encoding": "identity", // a compressed stream is held back until a block is full
      ...(request.apiKey === undefined ? {} : { authorization: `Bearer ${request.apiKey}` }),
    },
    body: request.body,
    redirect: "manual", // the key goes to the pinned address and nowhere else
    signal,
    timeout: false, // the watchdog's limits hold instead
  }).catch((cause: unknown) => {
    if (signal.aborted) throw cause;
    return new NoResponse(cause);
  });
}

async function readResponse(
  response: Response,
  onText: (text: string) => void,
  watchdog: CallWatchdog,
  limits: CallLimits,
): Promise<CallResult> {
  if (!response.ok) {
    const body = await readRefusal(response, watchdog);
    const failure = failureOf(response.status, body, response.headers, Date.now());
    return { kind: "failure", failure: { ...failure, contextWindow: contextWindowOf(response.headers) } };
  }
  const reader = new ReplyReader(response.headers.get("content-type") ?? "");
  const body = new BodyReader(response, watchdog, reader.bytesMax);
  const broken = await readReply(body, reader, onText, () => watchdog.expect(limits.afterEndMsMax));
  if (reader.done) body.drain();
  else body.cancel();
  if (broken !== undefined) return { kind: "failure", failure: broken };
  const { text, ...end } = reader.end();
  if (text !== "") onText(text);
  if (end.kind === "failure") return end;
  return { ...end, contextWindow: contextWindowOf(response.headers) };
}

/** @returns why the reply is of no use, though not when only what follows a whole one was lost */
async function readReply(
  body: BodyReader,
  reader: ReplyReader,
  onText: (text: string) => void,
  onComplete: () => void,
): Promise<ModelFailure | undefined> {
  let complete = false;
  try {
    for (let bytes = await body.next(); bytes !== undefined; bytes = await body.next()) {
      const read = reader.push(bytes);
      if (read.kind === "failure") return read.failure;
      if (read.text !== "") onText(read.text);
      if (reader.done) return undefined;
      if (!complete && reader.isComplete()) onComplete();
      complete = reader.isComplete();
    }
  } catch (cause) {
    if (!reader.isComplete()) throw cause;
  }
  return undefined;
}

/** The status says the most; a body that breaks off or is too long is used as far as it came. */
async function readRefusal(response: Response, watchdog: CallWatchdog): Promise<string> {
  const reader = new BodyReader(response, watchdog, () => Number.POSITIVE_INFINITY);
  const body = new ByteBuffer();
  try {
    for (let bytes = await reader.next(); bytes !== undefined; bytes = await reader.next()) {
      // Pieces may be larger than all that is wanted.
      body.add(bytes.subarray(0, REFUSAL_BYTES_MAX - body.length));
      if (body.length === REFUSAL_BYTES_MAX) {
        reader.cancel();
        break;
      }
    }
  } catch (cause) {
    reader.cancel();
    if (watchdog.signal.aborted) throw cause;
  }
  return body.take();
}

function contextWindowOf(headers: Headers): number | undefined {
  const window = Number(headers.get("x-context-window") ?? Number.NaN);
  return Number.isInteger(window) && window > 0 ? window : undefined;
}
