import { Attempt, RunId } from "@windshift/contract/ids.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import { createLlmBroker } from "./llm-broker.ts";
import type { LlmBudget } from "./llm-budget.ts";
import type { LlmGrant, ProviderFetch, UsageEntry } from "./llm-grant.ts";
import type { LlmLimits } from "./llm-limits.ts";
import type { LlmTarget } from "./llm-target.ts";

export const PROVIDER_KEY = "sk-provider-5f1c9a7e42d84b";
export const MODEL = "scripted-1";
export const QUESTION = { messages: [{ role: "user", content: "hello" }] };

export interface LogLine {
  fields: Record<string, unknown>;
  message: string;
}

/** The broker behind a real HTTP server on loopback, with one run or several, and what it wrote down. */
export interface BrokerFixture {
  /** Of the first run, as is the grant. */
  token: string;
  grant: LlmGrant;
  /** Of all runs. */
  tokens: readonly string[];
  /** Ends the first run. */
  endRun: AbortController;
  usage: UsageEntry[];
  log: LogLine[];
  /** Waits between tries, ms. */
  waits: number[];
  url: string;
  post(body: unknown, init?: PostOptions): Promise<Response>;
  close(): Promise<void>;
}

export interface PostOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
  path?: string;
  /** Whose token is sent: 0 is the first run, 1 the first of `otherRuns`. */
  run?: number;
}

export interface BrokerOptions {
  limits?: Partial<LlmLimits>;
  apiKey?: string | null;
  live?: () => boolean;
  /** Of the first target. */
  target?: Partial<LlmTarget>;
  fallbacks?: readonly LlmTarget[];
  /** More runs beside the first one, by what each of them calls. */
  otherRuns?: readonly LlmTarget[];
  budget?: LlmBudget;
  fetch?: ProviderFetch;
}

/** A target with everything that a test does not care about. */
export function targetOf(
  baseUrl: string,
  more: Partial<LlmTarget> & { apiKey?: string | null } = {},
): LlmTarget {
  const { apiKey = PROVIDER_KEY, ...target } = more;
  return {
    connectionId: 1,
    provider: "openai_compatible",
    model: MODEL,
    contextWindow: 65_536,
    images: false,
    concurrencyMax: null,
    prices: null,
    open: async () => ({ baseUrl, apiKey }),
    ...target,
  };
}

/** Without a limit of its own it does not try again, so that a test of one answer sees one request. Waits are noted, not waited. */
export function startBroker(baseUrl: string, options: BrokerOptions = {}): BrokerFixture {
  const endRun = new AbortController();
  const usage: UsageEntry[] = [];
  const log: LogLine[] = [];
  const waits: number[] = [];
  const { apiKey = PROVIDER_KEY, otherRuns = [], fallbacks = [] } = options;
  const grant: LlmGrant = {
    runId: RunId.parse(7),
    attempt: Attempt.parse(1),
    targets: [targetOf(baseUrl, { apiKey, ...options.target }), ...fallbacks],
    budget: options.budget ?? null,
    isLive: async () => options.live?.() ?? true,
    ended: endRun.signal,
  };
  const others = otherRuns.map((target, at): LlmGrant => {
    return { ...grant, runId: RunId.parse(8 + at), targets: [target], ended: new AbortController().signal };
  });
  const grants = new Map([grant, ...others].map((one) => [createToken("run"), one]));
  const tokens = [...grants.keys()];
  const [token = ""] = tokens;
  const note = (fields: Record<string, unknown>, message: string) => void log.push({ fields, message });
  const broker = createLlmBroker({
    fetch: options.fetch ?? fetch,
    grants: { find: async (given) => grants.get(given) },
    ledger: { record: async (entry) => void usage.push(entry) },
    log: { warn: note, error: note },
    limits: { retriesMax: 0, ...options.limits },
    clock: { nowMs: () => Date.now(), sleep: async (ms) => void waits.push(ms) },
  });
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: broker });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    token,
    grant,
    tokens,
    endRun,
    usage,
    log,
    waits,
    url,
    post: (body, init = {}) =>
      fetch(`${url}${init.path ?? "/api/llm-proxy/v1/chat/completions"}`, {
        method: "POST",
        headers: {
          Authorization: `Bearer ${tokens[init.run ?? 0]}`,
          "Content-Type": "application/json",
          ...init.headers,
        },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(init.signal === undefined ? {} : { signal: init.signal }),
      }),
    close: () => server.stop(true),
  };
}

export interface SeenRequest {
  url: string;
  headers: Headers;
  body: string;
}

/** A provider that answers whatever the test says; keeps what it was sent. */
export function startProvider(answer: (request: Request) => Response | Promise<Response>) {
  const seen: SeenRequest[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      seen.push({ url: request.url, headers: request.headers, body: await request.clone().text() });
      return answer(request);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, seen, close: () => server.stop(true) };
}

/** One streamed chunk of a model's reply. */
export function chunk(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
}

export const USAGE_CHUNK = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 5 } })}\n\n`;
export const DONE_CHUNK = "data: [DONE]\n\n";

/** An event stream that the test writes to; `gone` resolves when the reader has left. */
export function writableStream() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const gone = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
    cancel: () => gone.resolve(),
  });
  return {
    response: () => new Response(body, { headers: { "Content-Type": "text/event-stream" } }),
    write: (text: string) => controller?.enqueue(Buffer.from(text)),
    close: () => controller?.close(),
    gone: gone.promise,
  };
}

/** Resolves with what the promise gives, or rejects with `what` after `ms`. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}
