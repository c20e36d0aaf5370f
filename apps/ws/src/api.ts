import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import { WsError } from "./command.ts";
import type { WsConfig } from "./config.ts";
import { field } from "./fields.ts";

/** Calls below `/api/v1`. */
export interface Api {
  get(path: string): Promise<unknown>;
  send(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown>;
  /** The answer as it comes, for what is long or does not end. */
  stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Where the server is, without `/api`. */
  readonly origin: string;
}

/** Longest answer that is taken, bytes: 500 events are up to 4 MiB, a page of long comments 6 MiB, and JSON may double either. */
const ANSWER_BYTES_MAX = 16 * 1_048_576;
/** Whole call, ms. */
const CALL_MS_MAX = 30_000;

/** Calls one server. Never follows a redirect: the token goes to the configured address only (CL-02). */
export function createApi({ apiUrl, token }: WsConfig): Api {
  const call = async (method: string, path: string, body?: object, signal?: AbortSignal) => {
    const response = await fetch(`${apiUrl}/v1${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        accept: "application/json, text/event-stream, application/jsonl",
        ...(method === "GET" ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: signal ?? AbortSignal.timeout(CALL_MS_MAX),
    }).catch((error: Error) => {
      throw failure("unavailable", `cannot reach ${apiUrl}: ${error.message}`);
    });
    if (response.status >= 300) throw await failureOf(response, apiUrl);
    return response;
  };
  const read = async (response: Response) => {
    if (response.status === 204) return undefined;
    const json = parsed(await boundedText(response).catch((error) => brokenOff(apiUrl, error)));
    if (json === undefined)
      throw failure("upstream_failed", `${apiUrl} did not answer with JSON; is it the address of the API?`);
    return json;
  };
  return {
    origin: apiUrl.replace(/\/api$/, ""),
    get: async (path) => read(await call("GET", path)),
    send: async (method, path, body) => read(await call(method, path, body ?? {})),
    stream: async (path, signal) => {
      const { body } = await call("GET", path, undefined, signal);
      if (body === null) throw failure("upstream_failed", `${apiUrl} answered without a body`);
      return body;
    },
  };
}

async function failureOf(response: Response, apiUrl: string): Promise<WsError> {
  const { status } = response;
  if (status < 400)
    return failure(
      "upstream_failed",
      `${apiUrl} redirects elsewhere (${status}); set WS_API_URL to the final address`,
    );
  const json = parsed(await boundedText(response).catch((error) => brokenOff(apiUrl, error)));
  const code = field(json, "error", "code");
  const message = field(json, "error", "message");
  const known =
    typeof code === "string" && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : codeOf(status);
  const said = typeof message === "string" ? message : `the API answered ${status}`;
  return failure(known, known === "unauthenticated" ? `${said}; \`ws login\` gets a new one` : said);
}

/** @throws WsError for an answer that did not come whole */
function brokenOff(apiUrl: string, error: Error): never {
  if (error instanceof WsError) throw error;
  throw failure("unavailable", `the answer of ${apiUrl} broke off: ${error.message}`);
}

/** The first code of the closed list with this status, for answers that carry none (a proxy's, say). */
function codeOf(status: number): ErrorCode {
  for (const [code, { status: own }] of Object.entries(ERROR_CODES))
    if (own === status) return code as ErrorCode;
  return status >= 500 ? "unavailable" : "invalid_input";
}

function failure(code: ErrorCode, message: string): WsError {
  const { exit, retry } = ERROR_CODES[code];
  return new WsError(message, exit, retry);
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX)
      throw failure("upstream_failed", `the answer is over ${ANSWER_BYTES_MAX} bytes`);
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
