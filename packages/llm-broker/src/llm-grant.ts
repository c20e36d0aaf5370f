import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import type { CallCharge, LlmBudget } from "./llm-budget.ts";
import type { LlmTarget } from "./llm-target.ts";

/** What one run token may do at the broker, and where its calls go. Frozen when the run was queued. */
export interface LlmGrant {
  runId: RunId;
  attempt: Attempt;
  /** In order: the next one is called when the one before failed before it answered. Nothing else is ever called. */
  targets: readonly [LlmTarget, ...LlmTarget[]];
  /** Null when no budget holds for this run. */
  budget: LlmBudget | null;
  /** False once the attempt is over, fenced or canceled. */
  isLive(): Promise<boolean>;
  /** Aborts when the attempt ends or is fenced. */
  ended: AbortSignal;
}

/** Looks tokens up by their hash, so that the time it takes says nothing about them. */
export interface LlmGrants {
  find(token: string): Promise<LlmGrant | undefined>;
}

/** One call of a run, however many tries it took; what it used is charged once. */
export interface UsageEntry extends CallCharge {
  runId: RunId;
  attempt: Attempt;
  /** The target that answered, or the last one that was tried. */
  target: LlmTarget;
  /** Its place in the grant: 0 is the model of the binding, 1 the first fallback. */
  targetIndex: number;
  /** Requests that left for providers, of all targets. */
  tries: number;
  /** What the caller was told: an HTTP status, 499 when the caller left first, 502, 403 or 504 also for a stream cut midway. */
  status: number;
  durationMs: number;
}

export interface UsageLedger {
  record(entry: UsageEntry): Promise<void>;
}

/** The way out to providers: a `fetch` that dials only where it may, and never follows a redirect. */
export type ProviderFetch = (url: URL, init: RequestInit) => Promise<Response>;

/** Structured log; a pino logger is one. */
export interface BrokerLog {
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
