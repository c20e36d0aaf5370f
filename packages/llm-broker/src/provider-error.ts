import { redact } from "@windshift/base/redact.ts";
import { truncateBytes } from "@windshift/base/truncate.ts";
import { type AppError, type ErrorBody, errorBody } from "@windshift/contract/app-error.ts";
import type { ErrorCode } from "@windshift/contract/error-codes.ts";
import { z } from "zod";
import { ERROR_MESSAGE_BYTES_MAX } from "./llm-limits.ts";

/** An answer that is not a model's reply. */
export interface Refusal {
  status: number;
  body: ErrorBody;
}

/** Our own failure as an answer in the shape that clients of model APIs read. */
export function refusalOf(error: AppError): Refusal {
  return { status: error.status, body: errorBody(error) };
}

/** Statuses that mean the same to the agent as to us; all else becomes 502. */
const PASSED: Record<number, ErrorCode> = {
  400: "invalid_input",
  404: "not_found",
  408: "timed_out",
  409: "conflict",
  413: "too_large",
  422: "invalid_input",
  429: "rate_limited",
};

/**
 * Turns a provider's error reply into ours. Only its status, a redacted and shortened message and the one code an
 * agent acts on (`context_length_exceeded`) come through.
 */
export function refusalOfProvider(status: number, text: string, apiKey: string | null): Refusal {
  if (status === 401 || status === 403) {
    return refusal(502, "upstream_failed", KEY_REFUSED);
  }
  const { names, message } = readProviderError(text);
  const clean = truncateBytes(redact(message, apiKey === null ? [] : [apiKey]), ERROR_MESSAGE_BYTES_MAX);
  const said = `The model provider answered ${status}${clean === "" ? "." : `: ${clean}`}`;
  if (isContextOverflow(status, names, message)) return refusal(status, "context_length_exceeded", said);
  const passed = status >= 500 ? "upstream_failed" : PASSED[status];
  return passed === undefined ? refusal(502, "upstream_failed", said) : refusal(status, passed, said);
}

/** Said instead of 401 or 403, so that the agent does not take its own token to be bad. */
const KEY_REFUSED =
  "The model provider refused the key of the LLM connection. This run's own token is fine; an admin must check the connection's key and address.";

function refusal(status: number, code: ErrorCode | "context_length_exceeded", message: string): Refusal {
  return { status, body: { error: { code, message, type: "windshift_error" } } };
}

/** The shapes in use: `{error: {message, code, type}}`, `{error: "text"}`, `{message}` and FastAPI's `{detail}`. */
const ErrorReply = z.object({
  error: z
    .union([
      z.string(),
      z.object({
        message: z.string().optional(),
        code: z.union([z.string(), z.number()]).nullish(),
        type: z.string().nullish(),
      }),
    ])
    .optional(),
  message: z.string().optional(),
  detail: z.string().optional(),
});

/** `names` are the provider's own code and type of the error. */
function readProviderError(text: string): { names: unknown[]; message: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // An HTML page of a proxy in between tells the agent nothing; plain text may.
    return { names: [], message: /^\s*</.test(text) ? "" : text.trim() };
  }
  const parsed = ErrorReply.safeParse(json);
  if (!parsed.success) return { names: [], message: "" };
  const { error, message, detail } = parsed.data;
  if (typeof error === "string") return { names: [], message: error };
  return {
    names: [error?.code, error?.type],
    message: error?.message ?? message ?? detail ?? "",
  };
}

/** OpenAI and most others name it by code, llama.cpp by type, vLLM and its kin and Anthropic only in words. */
function isContextOverflow(status: number, names: readonly unknown[], message: string): boolean {
  if (status !== 400 && status !== 413 && status !== 422) return false;
  if (names.includes("context_length_exceeded") || names.includes("exceed_context_size_error")) return true;
  return /maximum context length|context (?:length|window|size) (?:is )?exceeded|prompt is too long/i.test(
    message,
  );
}
