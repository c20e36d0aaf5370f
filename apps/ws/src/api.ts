import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import { API_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { WsConfig } from "./config.ts";

export type ApiReply =
  | { kind: "ok"; body: unknown }
  /** `exitCode` follows the code of the answer. */
  | { kind: "failed"; message: string; exitCode: number };

/** Whole call, ms. */
const CALL_MS_MAX = 30_000;

/** One call. Never follows a redirect: the token goes to the configured address only. */
export async function callApi(
  { apiUrl, token }: WsConfig,
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<ApiReply> {
  try {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(CALL_MS_MAX),
    });
    return replyOf(response.status, await boundedText(response), apiUrl);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return failed("unavailable", `cannot reach ${apiUrl}: ${why}`);
  }
}

function replyOf(status: number, text: string, apiUrl: string): ApiReply {
  const json = parsed(text);
  if (status >= 200 && status < 300)
    return json === undefined
      ? failed("upstream_failed", `${apiUrl} did not answer with JSON; is it the address of the API?`)
      : { kind: "ok", body: json };
  if (status >= 300 && status < 400)
    return failed(
      "upstream_failed",
      `${apiUrl} redirects elsewhere (${status}); set WS_API_URL to the final address`,
    );
  const error = field(json, "error");
  const code = field(error, "code");
  const message = field(error, "message");
  const known =
    typeof code === "string" && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : codeOf(status);
  return failed(known, typeof message === "string" ? message : `the API answered ${status}`);
}

/** The first code of the closed list with this status, for answers that carry none (a proxy's, say). */
function codeOf(status: number): ErrorCode {
  for (const [code, { status: own }] of Object.entries(ERROR_CODES))
    if (own === status) return code as ErrorCode;
  return status >= 500 ? "unavailable" : "invalid_input";
}

function failed(code: ErrorCode, message: string): ApiReply {
  return { kind: "failed", message, exitCode: ERROR_CODES[code].exit };
}

/** @throws Error when the answer is larger than any the API gives */
async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > API_BODY_BYTES_MAX) throw new Error(`the answer is over ${API_BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A field of something that may be anything. */
export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
