import type { Attempt, RunId } from "@windshift/contract/ids.ts";

/** What one run token may do at the broker, and where its calls go. Frozen when the run was queued. */
export interface LlmGrant {
  runId: RunId;
  attempt: Attempt;
  /** The only model that is ever sent. */
  model: string;
  /** From the stored connection alone. `baseUrl` is a root: `/v1/chat/completions` is appended. */
  endpoint: { baseUrl: string; apiKey: string | null };
  /** Tokens; null when the connection does not say. */
  contextWindow: number | null;
  /** False once the attempt is over, fenced or canceled. */
  isLive(): Promise<boolean>;
  /** Aborts when the attempt ends or is fenced. */
  ended: AbortSignal;
}

/** Looks tokens up by their hash, so that the time it takes says nothing about them. */
export interface LlmGrants {
  find(token: string): Promise<LlmGrant | undefined>;
}

/** One call that was sent to a provider. */
export interface UsageEntry {
  runId: RunId;
  attempt: Attempt;
  model: string;
  /** As the provider counted; null when the call ended before it said so. */
  inputTokens: number | null;
  outputTokens: number | null;
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
