import { errorText } from "@windshift/base/error-text.ts";
import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import { type ApiError, readApiError } from "./api-error.ts";
import { isContextOverflow } from "./context-overflow.ts";

/** Why one call to the model gave no reply. */
export interface ModelFailure {
  /** `unreachable`: no connection was made at all. `broken`: the reply was cut or is no reply. `overflow`: the request is over the model's window. */
  kind: "unreachable" | "refused" | "broken" | "overflow";
  /** The code of the answer, when it carries one. */
  code: string | undefined;
  /** For people: what happened, and with which address or status. */
  message: string;
  retry: boolean;
  /** The least wait the server asked for, ms. */
  retryAfterMs: number;
  /** The server is overloaded: a pause of half a second changes nothing. */
  busy?: boolean;
  /** Nobody serves there now, as when the server is started again: no connection, a proxy that has nobody behind it, or our own word for it. */
  away?: boolean;
  /** The window the refusal told of in its header, tokens. */
  contextWindow?: number | undefined;
}

/** 529 is how some say that they are overloaded; it is among the 5xx. */
const RETRIED_STATUSES = new Set([408, 409, 425, 429]);
const BUSY_STATUSES = new Set([429, 503, 529]);
/** What a proxy answers for a server that is not there. Then there is no code: the broker gives its own errors one. */
const GATEWAY_STATUSES = new Set([502, 503, 504]);
/** Codes of providers that no retry can change although their status (429) says otherwise: nobody pays. */
const UNPAID_CODES = new Set(["insufficient_quota", "billing_not_active", "billing_hard_limit_reached"]);
/** Longest wait a `Retry-After` may ask of us, ms; a run has better things to do than to wait for hours in silence. */
const RETRY_AFTER_MS_MAX = 120_000;
/** What is shown of a server's own words, characters. */
const DETAIL_CHARS_MAX = 1_000;

/** Codes of fetch that mean that there was no connection: nobody listens there, no such name or way, no TLS or no trust in it. */
const NO_CONNECTION =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|E(?:HOST|NET)UNREACH|ETIMEDOUT|EPROTO|\w*(?:CERT|ISSUER|CRL|TLS|SSL)\w*)$/;

/** What to check when the answer is final. */
const HINTS: Record<number, string> = {
  401: "the key was not accepted: check LLM_API_KEY (in a run: its token, which ends with the attempt)",
  402: "check the run's budget, or the balance of the account at the provider",
  403: "check what the key may do, and whether the run still holds its lease",
  404: "check LLM_MODEL, and LLM_BASE_URL, to which the agent adds /v1/chat/completions",
  405: "check LLM_BASE_URL, to which the agent adds /v1/chat/completions",
};
const HINT_REDIRECT =
  "redirects are not followed, so that the key goes nowhere else: set LLM_BASE_URL to the final address";

/** What an answer other than 200 means. Our broker's typed codes decide before the status does. */
export function failureOf(status: number, body: string, headers: Headers, nowMs: number): ModelFailure {
  const error = readApiError(body);
  const hint = status >= 300 && status < 400 ? HINT_REDIRECT : HINTS[status];
  const named = `the model API answered ${status}${error.code === undefined ? "" : ` ${shown(error.code)}`}`;
  const message = `${named}: ${shown(error.message) || "(no text)"}${hint === undefined ? "" : ` (${hint})`}`;
  const failure = classify(status, error, message, retryAfterMs(headers, nowMs));
  return isAway(status, error.code) ? { ...failure, away: true } : failure;
}

function isAway(status: number, code: string | undefined): boolean {
  return code === undefined ? GATEWAY_STATUSES.has(status) : code === "unavailable";
}

/** What an error means that came inside an answer of 200, where providers put it once they have begun to reply. */
export function failureInReply(error: ApiError): ModelFailure {
  const known = ourCode(error.code);
  const status = error.status ?? (known === undefined ? 200 : ERROR_CODES[known].status);
  const named = error.code === undefined ? (error.status ?? "an error") : shown(error.code);
  const message = `the model API broke its reply off with ${named}: ${shown(error.message) || "(no text)"}`;
  const failure = classify(status, error, message, 0);
  return status === 200 && failure.kind === "refused" ? { ...failure, kind: "broken", retry: true } : failure;
}

function classify(status: number, error: ApiError, message: string, waitMs: number): ModelFailure {
  const { code } = error;
  if (isContextOverflow(status, [code, error.type], error.message))
    return { kind: "overflow", code, message, retry: false, retryAfterMs: 0 };
  return {
    kind: "refused",
    code,
    message,
    retry: !isFinal(code) && (status >= 500 || RETRIED_STATUSES.has(status)),
    retryAfterMs: waitMs,
    busy: BUSY_STATUSES.has(status),
  };
}

/** Codes that no retry can change: the budget, the run or the lease is gone. A `conflict` is the provider's own 409, which our broker passes on. */
function isFinal(code: string | undefined): boolean {
  if (code !== undefined && UNPAID_CODES.has(code)) return true;
  const known = ourCode(code);
  if (known === undefined || known === "conflict") return false;
  return !ERROR_CODES[known].retry && ERROR_CODES[known].status < 500;
}

function ourCode(code: string | undefined): ErrorCode | undefined {
  return code !== undefined && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined;
}

/** Seconds or a date, or the milliseconds OpenAI and Azure add. */
function retryAfterMs(headers: Headers, nowMs: number): number {
  const exact = headers.get("retry-after-ms") ?? "";
  if (/^\d+(\.\d+)?$/.test(exact)) return Math.min(Number(exact), RETRY_AFTER_MS_MAX);
  const after = headers.get("retry-after") ?? "";
  const ms = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

function shown(text: string): string {
  return text.trim().slice(0, DETAIL_CHARS_MAX).toWellFormed();
}

/** The reply is longer than we take; the next one would be too. */
export function tooLong(message: string): ModelFailure {
  return { ...brokenReply(message), retry: false };
}

/** A reply that cannot be used as it came. It is asked for again at once. */
export function brokenReply(message: string): ModelFailure {
  return { kind: "broken", code: undefined, message, retry: true, retryAfterMs: 0 };
}

/** A reply that ended for its length before it said anything: the prompt alone fills the window. */
export function noRoomToAnswer(): ModelFailure {
  const message =
    "the model's reply ended at its length limit before it said anything: the prompt fills the window";
  return { kind: "overflow", code: undefined, message, retry: false, retryAfterMs: 0 };
}

/** No answer came. It is the address only when no connection was made: a server that hangs up was reached. */
export function noAnswer(address: string, cause: unknown): ModelFailure {
  if (!NO_CONNECTION.test(codeOf(cause)))
    return brokenReply(`the model API at ${address} gave no answer: ${wordsOf(cause)}`);
  return {
    kind: "unreachable",
    code: "api_unreachable",
    message: `cannot reach the model API at ${address}: ${wordsOf(cause)}`,
    retry: true,
    retryAfterMs: 0,
    away: true,
  };
}

/** What went wrong beneath HTTP, in its own words but for the advice to programmers that fetch adds. */
export function wordsOf(cause: unknown): string {
  const words = errorText(cause);
  return words.replace(/\.? For more information, pass `verbose: true`.*$/, "");
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
