import type { Clock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { readBounded } from "./bounded-read.ts";
import { CallEnd } from "./call-end.ts";
import { readDocument } from "./document-reply.ts";
import type { BrokerLog, LlmGrant, ProviderFetch, UsageLedger } from "./llm-grant.ts";
import { ERROR_BYTES_MAX, type LlmLimits } from "./llm-limits.ts";
import { callProvider } from "./provider-call.ts";
import { type Refusal, refusalOf, refusalOfProvider } from "./provider-error.ts";
import { replyHeaders } from "./reply-headers.ts";
import { relayStream } from "./streamed-reply.ts";
import type { TokenUsage } from "./token-usage.ts";

export interface LlmCallDeps {
  grant: LlmGrant;
  limits: LlmLimits;
  clock: Clock;
  ledger: UsageLedger;
  fetch: ProviderFetch;
  log: BrokerLog;
}

/** One call to a provider, from sending it to the entry in the ledger. */
export class LlmCall {
  private readonly startedAtMs: number;
  constructor(private readonly deps: LlmCallDeps) {
    this.startedAtMs = deps.clock.nowMs();
  }

  /** Answers with the model's reply or with a refusal; a streamed reply goes on after this resolved. */
  async send(body: string, client: AbortSignal): Promise<Response> {
    const end = new CallEnd(client, this.deps.grant.ended);
    try {
      return await this.exchange(body, end);
    } catch (error) {
      return await this.settle(end, this.refusalFor(error));
    }
  }

  private async exchange(body: string, end: CallEnd): Promise<Response> {
    const { fetch, grant, limits } = this.deps;
    const upstream = await callProvider(fetch, grant.endpoint, body, end, limits.headerMsMax);
    const type = upstream.headers.get("content-type") ?? "";
    if (!upstream.ok)
      return await this.settle(end, await this.providerRefusal(upstream, end), upstream.headers);
    if (type.startsWith("text/event-stream") && upstream.body !== null) {
      return new Response(this.relay(upstream.body, end), {
        headers: replyHeaders(grant, "text/event-stream", upstream.headers),
      });
    }
    const document = await readDocument(upstream.body, grant.endpoint.apiKey, end, limits);
    await this.record(end, 200, document.usage);
    return new Response(document.text, {
      headers: replyHeaders(grant, "application/json", upstream.headers),
    });
  }

  private relay(upstream: ReadableStream<Uint8Array>, end: CallEnd): ReadableStream<Uint8Array> {
    return relayStream({
      upstream,
      apiKey: this.deps.grant.endpoint.apiKey,
      end,
      limits: this.deps.limits,
      onEnd: (usage, failure) => this.record(end, failure === undefined ? 200 : end.status, usage),
    });
  }

  private async providerRefusal(upstream: Response, end: CallEnd): Promise<Refusal> {
    const timer = setTimeout(
      () => end.end({ kind: "idle_timeout", ms: this.deps.limits.idleMsMax }),
      this.deps.limits.idleMsMax,
    );
    try {
      const read = await readBounded(upstream.body, ERROR_BYTES_MAX);
      return refusalOfProvider(
        upstream.status,
        read.kind === "whole" ? read.text : read.head,
        this.deps.grant.endpoint.apiKey,
      );
    } catch {
      // The status is known even when the words behind it are lost, unless the call was ended from this side.
      if (end.cause !== undefined) throw end.error();
      return refusalOfProvider(upstream.status, "", null);
    } finally {
      clearTimeout(timer);
    }
  }

  private refusalFor(error: unknown): Refusal {
    const { grant, log } = this.deps;
    if (error instanceof AppError) {
      log.warn(
        { run: grant.runId, attempt: grant.attempt, code: error.code, err: error.cause },
        error.message,
      );
      return refusalOf(error);
    }
    log.error({ run: grant.runId, attempt: grant.attempt, err: error }, "llm call failed");
    return refusalOf(new AppError("internal", "The broker failed; the server log has the cause."));
  }

  private async settle(end: CallEnd, refusal: Refusal, upstream?: Headers): Promise<Response> {
    await this.record(end, end.cause === undefined ? refusal.status : end.status, undefined);
    return Response.json(refusal.body, {
      status: refusal.status,
      headers: replyHeaders(this.deps.grant, "application/json", upstream),
    });
  }

  /** A ledger that cannot be written must not take the reply from the agent; the log keeps the entry. */
  private async record(end: CallEnd, status: number, usage: TokenUsage | undefined): Promise<void> {
    end.release();
    const { grant, clock, ledger, log } = this.deps;
    const entry = {
      runId: grant.runId,
      attempt: grant.attempt,
      model: grant.model,
      inputTokens: usage?.inputTokens ?? null,
      outputTokens: usage?.outputTokens ?? null,
      status,
      durationMs: clock.nowMs() - this.startedAtMs,
    };
    try {
      await ledger.record(entry);
    } catch (error) {
      log.error({ ...entry, err: error }, "llm usage could not be recorded");
    }
  }
}
