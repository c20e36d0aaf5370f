import type { Clock } from "@windshift/base/clock.ts";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import { CallEnd } from "./call-end.ts";
import type { CallQueue, Slot } from "./call-queue.ts";
import type { CallCharge } from "./llm-budget.ts";
import type { BrokerLog, LlmGrant, ProviderFetch, UsageEntry, UsageLedger } from "./llm-grant.ts";
import type { LlmLimits } from "./llm-limits.ts";
import type { LlmTarget } from "./llm-target.ts";
import type { LlmWire } from "./llm-wire.ts";
import type { AuthorizedCall } from "./request-body.ts";
import { type CallWaits, TargetCall, type TargetOutcome } from "./target-call.ts";

/** What all calls of a broker have in common. */
export interface LlmCallDeps {
  limits: LlmLimits;
  clock: Clock;
  /** Calls over each connection. */
  queue: CallQueue;
  /** Calls of each run. */
  runQueue: CallQueue;
  waits: CallWaits;
  ledger: UsageLedger;
  fetch: ProviderFetch;
  log: BrokerLog;
  /** What every answer has, whoever gives it. */
  answerHeaders: Headers | undefined;
}

/** One call of a run: over its targets in their order, to the entry in the ledger. */
export class LlmCall {
  private readonly startedAtMs: number;
  private tries = 0;
  private slot: Slot | undefined;

  constructor(
    private readonly deps: LlmCallDeps,
    private readonly grant: LlmGrant,
    private readonly wire: LlmWire,
  ) {
    this.startedAtMs = deps.clock.nowMs();
  }

  /**
   * Answers with a model's reply or with a refusal; a streamed reply goes on after this resolved. Waits while its run has as
   * many calls under way as it may.
   * @throws AppError `rate_limited` when too many calls of the run wait already, and the reason when it ended waiting
   */
  async send(call: AuthorizedCall, client: AbortSignal): Promise<Response> {
    const { limits, waits } = this.deps;
    const end = new CallEnd(client, this.grant.ended, limits.drainMsMax);
    // One wait for all of it: turns, tries and fallbacks.
    const wait = waits.header.start(() => end.end({ kind: "header_timeout", ms: limits.headerMsMax }));
    try {
      await this.enter(end);
      return await this.overTargets(call, end);
    } catch (error) {
      this.leave(end);
      throw error;
    } finally {
      waits.header.end(wait);
    }
  }

  private async enter(end: CallEnd): Promise<void> {
    const { runQueue, limits } = this.deps;
    const { runId } = this.grant;
    const slot = await runQueue.enter(runId, limits.callsPerRunMax, runId, end.signal);
    if (slot === "left") throw end.error();
    if (slot === "full") throw tooMany(limits);
    this.slot = slot;
  }

  /** The call is over: the next one of its run may go. */
  private leave(end: CallEnd): void {
    end.release();
    this.slot?.release();
  }

  private async overTargets(call: AuthorizedCall, end: CallEnd): Promise<Response> {
    const targets = this.eligible(call);
    for (const [place, [targetIndex, target]] of targets.entries()) {
      const hasNext = place + 1 < targets.length;
      const outcome = await this.callTarget(call, end, target, targetIndex, hasNext);
      if (outcome.kind === "answered") return outcome.response;
      const falls = outcome.next && hasNext && end.cause === undefined;
      if (!falls || outcome.charge.estimated) {
        await this.record(target, targetIndex, outcome.charge, outcome.status);
      }
      if (falls) continue;
      this.leave(end);
      return outcome.response;
    }
    return assert(false, "a grant has no target for a call that was authorized") as never;
  }

  private callTarget(
    call: AuthorizedCall,
    end: CallEnd,
    target: LlmTarget,
    targetIndex: number,
    hasNext: boolean,
  ): Promise<TargetOutcome> {
    return new TargetCall(this.deps, {
      grant: this.grant,
      wire: this.wire,
      target,
      call,
      end,
      deadlineMs: this.startedAtMs + this.deps.limits.headerMsMax,
      hasNext,
      onTry: () => this.tries++,
      onReplied: (charge, status) => {
        this.leave(end);
        return this.record(target, targetIndex, charge, status);
      },
    }).run();
  }

  /** Of the run's targets those that have the route and, for pictures, eyes; each with its place in the grant. */
  private eligible(call: AuthorizedCall): [number, LlmTarget][] {
    const eligible: [number, LlmTarget][] = [];
    for (const [index, target] of this.grant.targets.entries())
      if (this.wire.servedBy(target) && (target.images || call.pictures === 0))
        eligible.push([index, target]);
    return eligible;
  }

  /** A ledger that cannot be written must not take the reply from the agent; the log keeps the entry. */
  private async record(
    target: LlmTarget,
    targetIndex: number,
    charge: CallCharge,
    status: number,
  ): Promise<void> {
    if (this.tries === 0) return; // nothing left for a provider
    const { clock, ledger, log } = this.deps;
    const { runId, attempt } = this.grant;
    const durationMs = clock.nowMs() - this.startedAtMs;
    const entry: UsageEntry = {
      runId,
      attempt,
      target,
      targetIndex,
      tries: this.tries,
      ...charge,
      status,
      durationMs,
    };
    try {
      await ledger.record(entry);
    } catch (error) {
      const { model, connectionId } = target;
      log.error({ ...entry, target: { model, connectionId }, err: error }, "llm usage could not be recorded");
    }
  }
}

function tooMany({ callsPerRunMax, queuedCallsPerRunMax }: LlmLimits): AppError {
  return new AppError(
    "rate_limited",
    `This run has ${callsPerRunMax} model calls under way and ${queuedCallsPerRunMax} that wait. Send fewer at once, or this one again later.`,
  );
}
