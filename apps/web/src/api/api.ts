import { ErrorBody } from "@windshift/contract/app-error.ts";
import type { z } from "zod";
import { dropEarlyAnswers, takeEarlyAnswer } from "./early-answers.ts";

export { queryString } from "./query-string.ts";

/** A call that failed, with the server's code and sentence. `offline` when no server answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    /** What is wrong with single fields of the body, by their path. */
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Longest time for one answer, ms; the server itself gives up before. */
const CALL_MS_MAX = 60_000;

/**
 * Calls the API of the server the page came from.
 * @param schema what the answer is checked against
 * @throws ApiError
 */
export async function callApi<T extends z.ZodType>(
  method: Method,
  path: string,
  schema: T,
  body?: unknown,
  signal?: AbortSignal,
): Promise<z.infer<T>> {
  const response = await send(method, path, body, signal);
  if (response.status === 204) return schema.parse(undefined);
  return schema.parse(await response.json());
}

/**
 * Reads from the API; as `callApi`.
 * @throws ApiError
 */
export function getApi<T extends z.ZodType>(
  path: string,
  schema: T,
  signal?: AbortSignal,
): Promise<z.infer<T>> {
  return callApi("GET", path, schema, undefined, signal);
}

/** Calls where the answer says nothing beyond that it worked. */
export async function sendApi(method: Method, path: string, body?: unknown): Promise<void> {
  await send(method, path, body);
}

async function send(method: Method, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  if (method !== "GET") dropEarlyAnswers();
  const early = method === "GET" ? await takeEarlyAnswer(path) : undefined;
  const response = early ?? (await fetchAnswer(method, path, body, signal));
  if (response.ok) return response;
  throw await failureOf(response);
}

function fetchAnswer(method: Method, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const timeout = AbortSignal.timeout(CALL_MS_MAX);
  return fetch(path, {
    method,
    credentials: "same-origin",
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    // The server takes changes as JSON only: a page elsewhere cannot send that without being asked.
    ...(method === "GET" ? {} : { headers: { "content-type": "application/json" } }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((cause: Error) => {
    if (signal?.aborted) throw cause;
    throw new ApiError("offline", 0, "The server does not answer. What you typed is kept; try again.");
  });
}

async function failureOf(response: Response): Promise<ApiError> {
  const parsed = ErrorBody.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    return new ApiError(
      "internal",
      response.status,
      `The server answered ${response.status} without saying why.`,
    );
  const { code, message, details } = parsed.data.error;
  return new ApiError(
    code,
    response.status,
    message,
    Object.fromEntries((details ?? []).map((d) => [d.path, d.message])),
  );
}
