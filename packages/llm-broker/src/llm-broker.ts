import { type Clock, systemClock } from "@windshift/base/clock.ts";
import { AppError, errorBody } from "@windshift/contract/app-error.ts";
import { readBounded } from "./bounded-read.ts";
import { authorizeChatRequest } from "./chat-request.ts";
import { LlmCall } from "./llm-call.ts";
import type { BrokerLog, LlmGrant, LlmGrants, ProviderFetch, UsageLedger } from "./llm-grant.ts";
import { LLM_LIMITS, type LlmLimits } from "./llm-limits.ts";

export interface LlmBrokerDeps {
  grants: LlmGrants;
  ledger: UsageLedger;
  fetch: ProviderFetch;
  log: BrokerLog;
  clock?: Clock;
  limits?: Partial<LlmLimits>;
}

/**
 * The model as a run sees it: takes the run's token, checks what may be asked for, and calls the provider of the
 * run's connection with the provider's key. Serves `POST …/v1/chat/completions`, whatever comes before it in the path.
 *
 * Promises: the key is in no answer; the address comes from the stored connection alone; replies are passed on as
 * they arrive; every call that was sent is recorded once, however it ended. Nothing is retried here: the agent does.
 * Answers failures with an ErrorBody; never rejects.
 */
export function createLlmBroker(deps: LlmBrokerDeps): (request: Request) => Promise<Response> {
  const limits = { ...LLM_LIMITS, ...deps.limits };
  const clock = deps.clock ?? systemClock;
  return async (request) => {
    try {
      refuseOtherRoutes(request);
      const grant = await findGrant(request, deps.grants);
      const text = await readBody(request, limits.bodyBytesMax);
      const call = authorizeChatRequest(text, grant.model);
      if (grant.ended.aborted) throw runEnded();
      return await new LlmCall({
        grant,
        limits,
        clock,
        ledger: deps.ledger,
        fetch: deps.fetch,
        log: deps.log,
      }).send(call.body, request.signal);
    } catch (error) {
      return refused(error, deps.log);
    }
  };
}

/** Every model route of the broker; one that is not here does not exist (LB-17). */
const ROUTE = "/v1/chat/completions";

function refuseOtherRoutes(request: Request): void {
  const { pathname } = new URL(request.url);
  if (request.method === "POST" && pathname.endsWith(ROUTE)) return;
  throw new AppError("not_found", `The model broker serves POST ${ROUTE} only.`);
}

/** The shape of our run tokens. Anything else is turned away before it reaches a store (LB-07). */
const BEARER = /^Bearer (wsrun_[A-Za-z0-9_-]{43})$/i;

async function findGrant(request: Request, grants: LlmGrants): Promise<LlmGrant> {
  const header = request.headers.get("authorization") ?? "";
  const token = header.length > 100 ? undefined : BEARER.exec(header)?.[1];
  const grant = token === undefined ? undefined : await grants.find(token);
  if (grant === undefined) {
    throw new AppError(
      "unauthenticated",
      "Send the run's token as Authorization: Bearer; this one is not known.",
    );
  }
  if (grant.ended.aborted || !(await grant.isLive())) throw runEnded();
  return grant;
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
  const read = await readBounded(request.body, bytesMax);
  if (read.kind === "too_large") throw tooLarge();
  return read.text;
}

function refused(error: unknown, log: BrokerLog): Response {
  const known =
    error instanceof AppError
      ? error
      : new AppError("internal", "The broker failed; the server log has the cause.", { cause: error });
  if (known.code === "internal") log.error({ err: known.cause }, "llm broker failed");
  return Response.json(errorBody(known), { status: known.status, headers: { "Cache-Control": "no-store" } });
}
