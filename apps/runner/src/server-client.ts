import { AppError, ErrorBody } from "@windshift/contract/app-error.ts";
import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import type { z } from "zod";

/** Time for an answer that nobody waits for on purpose, ms. */
const ANSWER_MS_MAX = 30_000;

export interface ServerClientOptions {
  /** Ends in `/api`. */
  apiUrl: string;
  version: string;
  /** The credential now; it may be changed while the program runs. Undefined before there is one. */
  credential(): string | undefined;
  /** Asked when the credential is refused: the one that is kept now, which `windshift-runner rotate-credential` may have changed. */
  reread?(): Promise<string | undefined>;
}

export interface PostOptions {
  /** The start of the runner that an event or a result is of. */
  boot?: string;
  /** Trace Context of W3C: the span that the request is a part of. */
  traceparent?: string | undefined;
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface ServerRequest {
  method: "GET" | "POST";
  path: string;
  body?: unknown;
}

/** Speaks to the server. Never follows a redirect: the credential goes to the address that was set and to no other. */
export class ServerClient {
  constructor(private readonly options: ServerClientOptions) {}

  /**
   * Posts JSON below the API's address.
   * @throws AppError with the server's code; `unavailable` when it could not be reached or answered what we do not understand
   */
  post<T extends z.ZodType>(
    path: string,
    body: unknown,
    reply: T,
    options: PostOptions = {},
  ): Promise<z.infer<T>> {
    return this.ask({ method: "POST", path, body }, reply, options);
  }

  /** Gets what is below the API's address; throws as `post` does. */
  get<T extends z.ZodType>(path: string, reply: T): Promise<z.infer<T>> {
    return this.ask({ method: "GET", path }, reply, {});
  }

  private async ask<T extends z.ZodType>(
    request: ServerRequest,
    reply: T,
    options: PostOptions,
  ): Promise<z.infer<T>> {
    const held = this.options.credential();
    try {
      return await this.send(request, reply, options, held);
    } catch (error) {
      if (held === undefined || !(error instanceof AppError && error.code === "unauthenticated")) throw error;
      const kept = await this.options.reread?.();
      if (kept === undefined || kept === held) throw error;
      return this.send(request, reply, options, kept);
    }
  }

  private async send<T extends z.ZodType>(
    { method, path, body }: ServerRequest,
    reply: T,
    options: PostOptions,
    held: string | undefined,
  ): Promise<z.infer<T>> {
    const { apiUrl, version } = this.options;
    const { boot, traceparent, timeoutMs = ANSWER_MS_MAX, signal } = options;
    const limit = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        "user-agent": `windshift-runner/${version}`,
        ...(held === undefined ? {} : { authorization: `Bearer ${held}` }),
        ...(boot === undefined ? {} : { "x-windshift-boot": boot }),
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    }).catch((cause: unknown) => {
      throw new AppError("unavailable", `${apiUrl} cannot be reached: ${reasonOf(cause)}`, { cause });
    });
    const text = await response.text().catch((cause: unknown) => {
      throw new AppError("unavailable", `the answer of ${apiUrl} broke off`, { cause });
    });
    if (!response.ok) throw errorOf(response, text, apiUrl);
    const parsed = reply.safeParse(parse(text));
    if (parsed.success) return parsed.data;
    throw new AppError("unavailable", `${apiUrl}${path} answered what is no answer of a Windshift server`, {
      cause: parsed.error,
    });
  }
}

function errorOf(response: Response, text: string, apiUrl: string): AppError {
  const { status } = response;
  const retryAfterS = retryAfterOf(response.headers.get("retry-after"));
  const options = retryAfterS === undefined ? {} : { retryAfterS };
  if (status >= 300 && status < 400)
    return new AppError(
      "unavailable",
      `${apiUrl} answers with a redirect to ${response.headers.get("location") ?? "nowhere"}, which is not followed; set WS_API_URL to the server's own address`,
    );
  const body = ErrorBody.safeParse(parse(text));
  if (body.success && isCode(body.data.error.code))
    return new AppError(body.data.error.code, body.data.error.message, options);
  if (status === 404)
    return new AppError(
      "unavailable",
      `${apiUrl} is no Windshift API (it answers 404); WS_API_URL has to end in /api`,
    );
  return new AppError("unavailable", `${apiUrl} answers with status ${status}`, options);
}

/** Seconds until then: our server writes seconds, a proxy before it may write a date. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - Date.now()) / 1_000));
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "no connection";
  if (cause.name === "TimeoutError") return "no answer in time";
  return cause.message;
}
