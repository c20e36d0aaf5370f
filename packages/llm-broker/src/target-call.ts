import type { Clock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { readBounded } from "./bounded-read.ts";
import type { CallEnd } from "./call-end.ts";
import { chargeOf, estimateCall, hiddenTokens, NO_CHARGE } from "./call-estimate.ts";
import type { CallQueue, Slot } from "./call-queue.ts";
import type { Deadlines } from "./deadlines.ts";
import { type DocumentReply, readDocument } from "./document-reply.ts";
import { giveWay } from "./large-body.ts";
import type { CallCharge, CallEstimate, Reservation } from "./llm-budget.ts";
import type { BrokerLog, LlmGrant, ProviderFetch } from "./llm-grant.ts";
import {
  BUDGET_OUTPUT_TOKENS,
  BYTES_PER_TOKEN_MIN,
  ERROR_BYTES_MAX,
  type LlmLimits,
  QUEUE_RETRY_AFTER_S,
} from "./llm-limits.ts";
import type { LlmEndpoint, LlmTarget } from "./llm-target.ts";
import type { LlmWire } from "./llm-wire.ts";
import { callProvider, type ProviderAnswer } from "./provider-call.ts";
import { type Refusal, refusalOf, refusalOfProvider } from "./provider-error.ts";
import { replyHeaders } from "./reply-headers.ts";
import type { AuthorizedCall } from "./request-body.ts";
import { isRetriable, retryDelayMs } from "./retry-delay.ts";
import { relayStream, type StreamEnd } from "./streamed-reply.ts";

/** The waits of all calls, each of them of one length: for the header of a reply, and for more of a document. */
export interface CallWaits {
  header: Deadlines;
  idle: Deadlines;
}

export interface TargetCallDeps {
  limits: LlmLimits;
  clock: Clock;
  queue: CallQueue;
  waits: CallWaits;
  fetch: ProviderFetch;
  log: BrokerLog;
  answerHeaders: Headers | undefined;
}

/** What one call is, and who is told of it. */
export interface TargetCallSpec {
  grant: LlmGrant;
  target: LlmTarget;
  wire: LlmWire;
  call: AuthorizedCall;
  end: CallEnd;
  /** When the caller gives up waiting for a header, ms. */
  deadlineMs: number;
  /** Whether another target comes after this one. */
  hasNext: boolean;
  /** Called for each request that leaves. */
  onTry(): void;
  /** Called once, before the last byte of a reply is given out. */
  onReplied(charge: CallCharge, status: number): Promise<void>;
}

export type TargetOutcome =
  | { kind: "answered"; response: Response }
  | {
      kind: "failed";
      response: Response;
      charge: CallCharge;
      status: number;
      /** Whether the next target may do better: nothing was passed on, and the request itself is not at fault. */
      next: boolean;
    };

/**
 * One call to one target, from waiting for its turn to the settled charge: reserved before the first try, settled once,
 * whatever became of it. Tries again only while nothing of a reply was passed on.
 */
export class TargetCall {
  private slot: Slot | undefined;
  private reservation: Extract<Reservation, { kind: "granted" }> | undefined;
  private estimate: CallEstimate = { inputTokens: 0, outputTokens: 0 };
  private apiKey: string | null = null;
  /** A request is out whose outcome is not known. */
  private out = false;
  /** When it left, as performance.now() tells time. */
  private sentMs = 0;
  /** It was answered with a reply, readable or not: that has its price. */
  private replied = false;

  constructor(
    private readonly deps: TargetCallDeps,
    private readonly spec: TargetCallSpec,
  ) {}

  /** Never rejects. */
  async run(): Promise<TargetOutcome> {
    try {
      await this.enter();
      const endpoint = await this.spec.target.open();
      this.apiKey = endpoint.apiKey;
      return await this.exchange(endpoint, await this.reserve(endpoint));
    } catch (error) {
      const { end } = this.spec;
      const charge = this.out && (end.cause !== undefined || this.replied) ? this.lostCharge() : NO_CHARGE;
      const refusal = this.refusalFor(error);
      const status = end.cause === undefined ? refusal.status : end.status;
      return await this.fail(refusal, { charge, status, next: false });
    }
  }

  private async enter(): Promise<void> {
    const { target, grant, end } = this.spec;
    const slot = await this.deps.queue.enter(
      target.connectionId,
      target.concurrencyMax,
      grant.runId,
      end.signal,
    );
    if (slot === "left") throw end.error();
    if (slot === "full") {
      throw new AppError(
        "rate_limited",
        "Too many calls wait for this LLM connection already. Try again later; an admin can raise its limit of calls at once.",
      );
    }
    this.slot = slot;
  }

  /** @returns the body to send, whose output is capped while a budget holds */
  private async reserve(endpoint: LlmEndpoint): Promise<string> {
    const { grant, target, call } = this.spec;
    const cap = grant.budget === null ? undefined : BUDGET_OUTPUT_TOKENS;
    const body = call.bodyFor(target, endpoint.baseUrl, cap);
    await giveWay(body.length);
    this.estimate = estimateCall(call, body, cap);
    const reservation = await grant.budget?.reserve(target, this.estimate);
    if (reservation?.kind === "exhausted") throw new AppError("budget_exhausted", reservation.message);
    this.reservation = reservation;
    return body;
  }

  private async exchange(endpoint: LlmEndpoint, body: string): Promise<TargetOutcome> {
    for (let tried = 1; ; tried++) {
      const answer = await this.try(endpoint, body);
      if (answer.kind === "answered" && answer.response.ok) return await this.pass(answer.response);
      const failure = await this.failureOf(answer);
      this.out = false;
      if (!failure.retriable)
        return await this.fail(failure.refusal, { next: false, headers: failure.headers });
      if (failure.charge !== undefined || !(await this.waits(tried, failure.headers))) {
        const { refusal, headers, charge } = failure;
        return await this.fail(refusal, { next: true, headers, charge });
      }
    }
  }

  private async try(endpoint: LlmEndpoint, body: string): Promise<ProviderAnswer> {
    const { fetch, clock } = this.deps;
    const { wire, end, deadlineMs, hasNext, onTry } = this.spec;
    if (end.cause !== undefined) throw end.error();
    onTry();
    this.out = true;
    this.sentMs = performance.now();
    // Half of what is left, so that a provider which says nothing leaves the next one as much.
    const waitMsMax = hasNext ? Math.max(1, (deadlineMs - clock.nowMs()) / 2) : undefined;
    return await callProvider(fetch, wire, endpoint, body, end, waitMsMax);
  }

  private async failureOf(answer: ProviderAnswer): Promise<{
    refusal: Refusal;
    retriable: boolean;
    headers?: Headers;
    charge?: CallCharge;
  }> {
    if (answer.kind === "unreachable") {
      return { refusal: this.refusalFor(answer.error), retriable: true };
    }
    if (answer.kind === "silent") {
      const silent = new AppError("timed_out", "The model provider did not answer in time.");
      return { refusal: refusalOf(silent), retriable: true, charge: this.lostCharge() };
    }
    const { status, headers } = answer.response;
    return { refusal: await this.providerRefusal(answer.response), retriable: isRetriable(status), headers };
  }

  private async providerRefusal(upstream: Response): Promise<Refusal> {
    const { limits, waits } = this.deps;
    const { end } = this.spec;
    const silence = waits.idle.start(() => end.end({ kind: "idle_timeout", ms: limits.idleMsMax }));
    try {
      const read = await readBounded(upstream, ERROR_BYTES_MAX);
      const text = read.kind === "whole" ? read.text : read.head;
      return refusalOfProvider(upstream.status, text, this.apiKey);
    } catch {
      // The status is known even when the words behind it are lost, unless the call was ended from this side.
      if (end.cause !== undefined) throw end.error();
      return refusalOfProvider(upstream.status, "", null);
    } finally {
      waits.idle.end(silence);
    }
  }

  /** Waits before the next try; false when there is none. */
  private async waits(tried: number, headers: Headers | undefined): Promise<boolean> {
    const { limits, clock } = this.deps;
    const { end, deadlineMs } = this.spec;
    if (tried > limits.retriesMax) return false;
    const nowMs = clock.nowMs();
    const delayMs = retryDelayMs(tried, headers?.get("retry-after") ?? null, nowMs, Math.random());
    if (delayMs === undefined || nowMs + delayMs >= deadlineMs) return false;
    await clock.sleep(delayMs, end.signal);
    return true;
  }

  /** Passes a reply on; from here nothing is tried again. */
  private async pass(upstream: Response): Promise<TargetOutcome> {
    const { limits, waits } = this.deps;
    const { target, wire, end, onReplied } = this.spec;
    this.replied = true;
    const type = upstream.headers.get("content-type") ?? "";
    if (type.startsWith("text/event-stream") && upstream.body !== null) {
      const headers = replyHeaders(
        this.deps.answerHeaders,
        target,
        this.apiKey,
        "text/event-stream",
        upstream.headers,
      );
      return { kind: "answered", response: new Response(this.relay(upstream.body), { headers }) };
    }
    const document = await readDocument(upstream, this.apiKey, end, limits, waits.idle);
    const charge = this.documentCharge(wire, document);
    await this.close(charge);
    await onReplied(charge, 200);
    const headers = replyHeaders(
      this.deps.answerHeaders,
      target,
      this.apiKey,
      "application/json",
      upstream.headers,
    );
    return { kind: "answered", response: new Response(document.text, { headers }) };
  }

  private relay(upstream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const { wire, end, onReplied } = this.spec;
    const { limits } = this.deps;
    return relayStream({
      upstream,
      format: wire.stream,
      apiKey: this.apiKey,
      end,
      limits,
      onEnd: async ({ usage, outputTokens, firstEventMs, failure }: StreamEnd) => {
        const charge = chargeOf(usage, this.estimate, outputTokens + this.hiddenUntil(firstEventMs));
        await this.close(charge);
        await onReplied(charge, failure === undefined ? 200 : end.status);
      },
    });
  }

  private documentCharge(wire: LlmWire, { text, json }: DocumentReply): CallCharge {
    const outputTokens = Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN_MIN);
    return chargeOf(wire.stream.usageOf(json, undefined), this.estimate, outputTokens);
  }

  /** What a request may have used that was given up without a reply: of a document, all of it may have been made. */
  private lostCharge(): CallCharge {
    const { outputTokens } = this.estimate;
    return chargeOf(
      undefined,
      this.estimate,
      this.spec.call.stream ? this.hiddenUntil(undefined) : outputTokens,
    );
  }

  /** Thoughts are output that is paid for and may never be shown: whoever leaves early has not had them for nothing. */
  private hiddenUntil(firstEventMs: number | undefined): number {
    return hiddenTokens((firstEventMs ?? performance.now()) - this.sentMs);
  }

  private refusalFor(error: unknown): Refusal {
    const { grant, target } = this.spec;
    const { log } = this.deps;
    const call = { run: grant.runId, attempt: grant.attempt, connection: target.connectionId };
    if (error instanceof AppError) {
      log.warn({ ...call, code: error.code, err: error.cause }, error.message);
      return refusalOf(error);
    }
    log.error({ ...call, err: error }, "llm call failed");
    return refusalOf(new AppError("internal", "The broker failed; the server log has the cause."));
  }

  private async fail(
    refusal: Refusal,
    how: { next: boolean; headers?: Headers | undefined; charge?: CallCharge | undefined; status?: number },
  ): Promise<TargetOutcome> {
    const { target, wire } = this.spec;
    const charge = how.charge ?? NO_CHARGE;
    await this.close(charge);
    const headers = replyHeaders(
      this.deps.answerHeaders,
      target,
      this.apiKey,
      "application/json",
      how.headers,
    );
    const isOurs = how.headers === undefined && refusal.body.error.code === "rate_limited";
    if (isOurs) headers.set("Retry-After", String(QUEUE_RETRY_AFTER_S));
    const body = wire.errorBody(refusal.status, refusal.body);
    const response = Response.json(body, { status: refusal.status, headers });
    return { kind: "failed", response, charge, status: how.status ?? refusal.status, next: how.next };
  }

  /** Settles once. A budget that cannot be written must not take the reply from the agent; its own expiry counts it. */
  private async close(charge: CallCharge): Promise<void> {
    this.slot?.release();
    this.slot = undefined;
    const reservation = this.reservation;
    this.reservation = undefined;
    try {
      await reservation?.settle(charge);
    } catch (error) {
      const { runId } = this.spec.grant;
      this.deps.log.error({ run: runId, ...charge.usage, err: error }, "a model call could not be settled");
    }
  }
}
