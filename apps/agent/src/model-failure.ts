import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import { objectOf, parseJson, textOf } from "./json.ts";

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
}

const RETRIED_STATUSES = new Set([408, 409, 429]);
/** Longest wait a `Retry-After` may ask of us, ms; a run has better things to do than to wait for hours in silence. */
const RETRY_AFTER_MS_MAX = 120_000;
const DETAIL_CHARS_MAX = 1_000;

/** What an answer other than 200 means. Our broker's typed codes decide before the status does. */
export function failureOf(
  status: number,
  body: string,
  retryAfter: string | null,
  nowMs: number,
): ModelFailure {
  const error = objectOf(objectOf(parseJson(body)).error);
  const code = textOf(error.code) ?? textOf(error.type);
  const detail = textOf(error.message) ?? body.trim();
  return {
    kind: "refused",
    code,
    message: `the model API answered ${status}${code === undefined ? "" : ` ${code}`}: ${detail.slice(0, DETAIL_CHARS_MAX) || "(no text)"}`,
    retry: !isFinal(code) && (status >= 500 || RETRIED_STATUSES.has(status)),
    retryAfterMs: retryAfterMs(retryAfter, nowMs),
  };
}

/** Codes of ours that no retry can change: the budget, the run or the lease is gone. */
function isFinal(code: string | undefined): boolean {
  if (code === undefined || !Object.hasOwn(ERROR_CODES, code)) return false;
  const known = ERROR_CODES[code as ErrorCode];
  return !known.retry && known.status < 500;
}

function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX) : 0;
}

export function brokenReply(message: string): ModelFailure {
  return { kind: "broken", code: undefined, message, retry: true, retryAfterMs: 0 };
}

export function unreachable(address: string, cause: unknown): ModelFailure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return {
    kind: "unreachable",
    code: "api_unreachable",
    message: `cannot reach the model API at ${address}: ${why}`,
    retry: true,
    retryAfterMs: 0,
  };
}
