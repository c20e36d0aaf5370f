import { type Clock, systemClock } from "@windshift/base/clock.ts";
import { AppError, errorBody } from "@windshift/contract/app-error.ts";
import { readBounded } from "./bounded-read.ts";
import { CallQueue } from "./call-queue.ts";
import { Deadlines } from "./deadlines.ts";
import { giveWay } from "./large-body.ts";
import { LlmCall } from "./llm-call.ts";
import type { BrokerLog, LlmGrant, LlmGrants, ProviderFetch, UsageLedger } from "./llm-grant.ts";
import { LLM_LIMITS, type LlmLimits, QUEUE_RETRY_AFTER_S } from "./llm-limits.ts";
import { LLM_WIRES, type LlmWire } from "./llm-wire.ts";

export interface LlmBrokerDeps {
  grants: LlmGrants;
  ledger: UsageLedger;
  fetch: ProviderFetch;
  log: BrokerLog;
  clock?: Clock;
  limits?: Partial<LlmLimits>;
  /** What whoever passes answers on would else put on each of them. */
  answerHeaders?: Headers;
}

/**
 * The model as a run sees it: takes the run's token, checks what may be asked for, and calls the provider of the
 * run's connection with the provider's key. Serves `POST …/v1/chat/completions` and, for connections to Anthropic,
 * `POST …/v1/messages`, whatever comes before it in the path.
 *
 * Promises: a key is in no answer; addresses come from stored connections alone; replies are passed on as they arrive;
 * every call that was sent is charged and recorded once, however it ended; nothing is tried again once a reply began; a run
 * has so many calls under way at once, and the next ones wait.
 * Answers failures in the shape of the route, with our code; never rejects.
 */
export function createLlmBroker(deps: LlmBrokerDeps): (request: Request) => Promise<Response> {
  const limits = { ...LLM_LIMITS, ...deps.limits };
  const clock = deps.clock ?? systemClock;
  const queue = new CallQueue(limits);
  const runQueue = new CallQueue(limits);
  const waits = { header: new Deadlines(limits.headerMsMax), idle: new Deadlines(limits.idleMsMax) };
  const { ledger, fetch, log, answerHeaders } = deps;
  const shared = { limits, clock, queue, runQueue, waits, ledger, fetch, log, answerHeaders };
  return async (request) => {
    let wire: LlmWire | undefined;
    try {
      wire = wireOf(request);
      const grant = await findGrant(request, deps.grants);
      const [target] = grant.targets;
      if (!wire.servedBy(target)) throw new AppError("invalid_input", wire.notServed);
      const body = await readBody(request, limits.bodyBytesMax);
      await giveWay(body.length);
      const call = wire.authorize(body, target);
      await giveWay(body.length);
      if (grant.ended.aborted) throw runEnded();
      return await new LlmCall(shared, grant, wire).send(call, request.signal);
    } catch (error) {
      return refused(error, wire, deps.log);
    }
  };
}

const SERVED = LLM_WIRES.map(({ path }) => `POST ${path}`).join(" and ");

function wireOf(request: Request): LlmWire {
  const pathname = pathOf(request.url);
  const wire = LLM_WIRES.find(({ path }) => pathname.endsWith(path));
  if (wire !== undefined && request.method === "POST") return wire;
  if (pathname.endsWith("/v1/messages/count_tokens")) {
    throw new AppError(
      "not_found",
      "The model broker does not count tokens ahead of a call; each reply says what it used.",
    );
  }
  throw new AppError("not_found", `The model broker serves ${SERVED} only.`);
}

/** Of a whole address, as a server is given it; what comes of it only picks a wire. */
function pathOf(url: string): string {
  const query = url.indexOf("?");
  return url.slice(url.indexOf("/", "https://".length), query === -1 ? undefined : query);
}

/** The shape of our run tokens. Anything else is turned away before it reaches a store (LB-07). */
const TOKEN = /^wsrun_[A-Za-z0-9_-]{43}$/;
const BEARER = /^Bearer +/i;

async function findGrant(request: Request, grants: LlmGrants): Promise<LlmGrant> {
  const token = tokenOf(request.headers);
  const grant = token === undefined ? undefined : await grants.find(token);
  if (grant === undefined) {
    throw new AppError(
      "unauthenticated",
      "Send the run's token as Authorization: Bearer, or as x-api-key; this one is not known.",
    );
  }
  if (grant.ended.aborted || !(await grant.isLive())) throw runEnded();
  return grant;
}

/** As OpenAI's clients send it or, without that, as Anthropic's do. */
function tokenOf(headers: Headers): string | undefined {
  const header = headers.get("authorization") || undefined;
  const token = header === undefined ? headers.get("x-api-key") : bearerOf(header);
  return token !== null && token.length < 100 && TOKEN.test(token) ? token : undefined;
}

function bearerOf(header: string): string | null {
  return header.length < 100 && BEARER.test(header) ? header.replace(BEARER, "") : null;
}

function runEnded(): AppError {
  return new AppError("run_ended", "This run has ended; its token no longer reaches the model.");
}

async function readBody(request: Request, bytesMax: number): Promise<string> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new AppError("unsupported", "Send the request body without Content-Encoding.");
  }
  const tooLarge = () =>
    new AppError("too_large", `The request body is over ${bytesMax} bytes; shorten the conversation.`);
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge();
  const read = await readBounded(request, bytesMax);
  if (read.kind === "too_large") throw tooLarge();
  return read.text;
}

function refused(error: unknown, wire: LlmWire | undefined, log: BrokerLog): Response {
  const known =
    error instanceof AppError
      ? error
      : new AppError("internal", "The broker failed; the server log has the cause.", { cause: error });
  if (known.code === "internal") log.error({ err: known.cause }, "llm broker failed");
  const body = errorBody(known);
  const headers = new Headers({ "Cache-Control": "no-store" });
  if (known.code === "rate_limited") headers.set("Retry-After", String(QUEUE_RETRY_AFTER_S));
  return Response.json(wire?.errorBody(known.status, body) ?? body, { status: known.status, headers });
}
