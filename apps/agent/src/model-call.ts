import { LLM_BODY_BYTES_MAX, LLM_HEADER_MS_MAX } from "@windshift/contract/limits.ts";
import { brokenReply, failureOf, type ModelFailure, unreachable } from "./model-failure.ts";
import { type ModelReply, parseReply, ReplyBuilder } from "./model-reply.ts";
import { SseParser } from "./sse.ts";

export type CallResult =
  | { kind: "reply"; reply: ModelReply; contextWindow: number | undefined }
  | { kind: "failure"; failure: ModelFailure }
  | { kind: "aborted" };

/** A little longer than the broker waits itself, so that its typed answer arrives before we give up. */
const HEADER_MS_MAX = LLM_HEADER_MS_MAX + 30_000;
/** Silence within a reply after which it counts as broken, ms. */
const SILENCE_MS_MAX = 300_000;

/**
 * Posts one completion request and reads the reply to its end, streamed or not, whichever the server sends.
 * @param onText gets the text as it arrives
 */
export async function callModel(
  request: { url: string; apiKey: string | undefined; body: string },
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<CallResult> {
  const watchdog = new Watchdog(signal);
  try {
    watchdog.expect(HEADER_MS_MAX);
    const response = await fetch(request.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(request.apiKey === undefined ? {} : { authorization: `Bearer ${request.apiKey}` }),
      },
      body: request.body,
      redirect: "manual", // the key goes to the pinned address and nowhere else
      signal: watchdog.signal,
      timeout: false, // the watchdog's limits hold instead
    }).catch((cause: unknown) => new Unreachable(cause));
    if (response instanceof Unreachable) {
      if (signal.aborted) return { kind: "aborted" };
      return { kind: "failure", failure: unreachable(request.url, response.cause) };
    }
    return await readResponse(response, onText, watchdog);
  } catch (cause) {
    if (signal.aborted) return { kind: "aborted" };
    const why = cause instanceof Error ? cause.message : String(cause);
    return { kind: "failure", failure: brokenReply(`the reply broke off: ${why}`) };
  } finally {
    watchdog.end();
  }
}

class Unreachable {
  constructor(readonly cause: unknown) {}
}

async function readResponse(
  response: Response,
  onText: (text: string) => void,
  watchdog: Watchdog,
): Promise<CallResult> {
  const header = Number(response.headers.get("x-context-window") ?? Number.NaN);
  const contextWindow = Number.isInteger(header) && header > 0 ? header : undefined;
  if (response.ok && (response.headers.get("content-type") ?? "").includes("text/event-stream")) {
    const reply = await readStream(response, onText, watchdog);
    return "kind" in reply ? { kind: "failure", failure: reply } : { kind: "reply", reply, contextWindow };
  }
  const body = await readText(response, watchdog);
  if (!response.ok) {
    const retryAfter = response.headers.get("retry-after");
    return { kind: "failure", failure: failureOf(response.status, body, retryAfter, Date.now()) };
  }
  const reply = parseReply(body);
  if (reply === undefined)
    return { kind: "failure", failure: brokenReply(`the reply is not a completion: ${body.slice(0, 200)}`) };
  if (reply.text !== "") onText(reply.text);
  return { kind: "reply", reply, contextWindow };
}

async function readStream(
  response: Response,
  onText: (text: string) => void,
  watchdog: Watchdog,
): Promise<ModelReply | ModelFailure> {
  const events = new SseParser();
  const builder = new ReplyBuilder();
  for await (const bytes of chunksOf(response, watchdog)) {
    let text = "";
    for (const data of events.push(bytes)) {
      if (data === "[DONE]") continue;
      const added = builder.add(data);
      if (added === undefined) return brokenReply(`the stream holds no chunk but ${data.slice(0, 500)}`);
      text += added;
    }
    if (text !== "") onText(text);
  }
  return builder.isComplete()
    ? builder.reply()
    : brokenReply("the stream ended before the reply was complete");
}

async function readText(response: Response, watchdog: Watchdog): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const bytes of chunksOf(response, watchdog)) chunks.push(bytes);
  return Buffer.concat(chunks).toString("utf8");
}

/** The body's bytes, watched for silence and bounded. @throws Error when it is too large or breaks off */
async function* chunksOf(response: Response, watchdog: Watchdog): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  let bytes = 0;
  watchdog.expect(SILENCE_MS_MAX);
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > LLM_BODY_BYTES_MAX) throw new Error(`it is over ${LLM_BODY_BYTES_MAX} bytes`);
    watchdog.expect(SILENCE_MS_MAX);
    yield chunk;
  }
}

/** Aborts its signal when the outer one does, or when what is expected does not come in time. */
class Watchdog {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.controller.signal]);
  }
  expect(ms: number): void {
    this.end();
    this.timer = setTimeout(() => this.controller.abort(new Error(`silence for ${ms / 1_000} s`)), ms);
  }
  end(): void {
    clearTimeout(this.timer);
  }
}
