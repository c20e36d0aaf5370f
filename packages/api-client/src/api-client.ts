import { AppError, ErrorBody } from "@windshift/contract/app-error.ts";
import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import type { z } from "zod";
import { readServerEvents, type ServerEvent } from "./server-events.ts";

/** Who calls: a person's session (cookies as the server set them) or a token. */
export type Credential =
  | { kind: "session"; cookie: string }
  | { kind: "token"; token: string }
  | { kind: "none" };

/** Longest time for one answer, ms; streams have none. */
const CALL_MS_MAX = 30_000;

/** A client of the REST API. Replies are checked against the contract; failures are AppErrors with the server's code and message. */
export class ApiClient {
  /** @param baseUrl of the server, without `/api` */
  constructor(
    readonly baseUrl: string,
    private credential: Credential = { kind: "none" },
  ) {}

  /** Signs a person in by e-mail and password; later calls are theirs. */
  async signIn(email: string, password: string): Promise<void> {
    const response = await this.call("POST", "/api/auth/sign-in/email", { email, password });
    const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(";", 1)[0]);
    this.credential = { kind: "session", cookie: cookies.join("; ") };
  }

  async get<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> {
    return schema.parse(await (await this.call("GET", path)).json());
  }

  async post<T extends z.ZodType>(path: string, body: object, schema: T): Promise<z.infer<T>> {
    return schema.parse(await (await this.call("POST", path, body)).json());
  }

  async patch<T extends z.ZodType>(path: string, body: object, schema: T): Promise<z.infer<T>> {
    return schema.parse(await (await this.call("PATCH", path, body)).json());
  }

  /** The text of a page or a document that is not JSON. */
  async text(path: string): Promise<string> {
    return (await this.call("GET", path)).text();
  }

  /** Server-sent events of a path, until the server or `signal` ends the stream. */
  async *events(path: string, signal: AbortSignal): AsyncIterable<ServerEvent> {
    const response = await this.call("GET", path, undefined, signal);
    if (response.body !== null) yield* readServerEvents(response.body);
  }

  private async call(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: this.headers(body !== undefined),
      redirect: "manual",
      signal: signal ?? AbortSignal.timeout(CALL_MS_MAX),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: Error) => {
      throw new AppError("unavailable", `${this.baseUrl} does not answer (${cause.message})`, { cause });
    });
    if (response.ok) return response;
    throw await failureOf(response, `${method} ${path}`);
  }

  private headers(hasBody: boolean): Record<string, string> {
    return {
      origin: new URL(this.baseUrl).origin,
      ...(hasBody ? { "content-type": "application/json" } : {}),
      ...(this.credential.kind === "session" ? { cookie: this.credential.cookie } : {}),
      ...(this.credential.kind === "token" ? { authorization: `Bearer ${this.credential.token}` } : {}),
    };
  }
}

async function failureOf(response: Response, what: string): Promise<AppError> {
  const text = await response.text();
  const parsed = ErrorBody.safeParse(tryJson(text));
  if (!parsed.success)
    return new AppError("internal", `${what} was answered ${response.status}: ${text.slice(0, 300)}`);
  const { code, message, details } = parsed.data.error;
  const fields = (details ?? []).map((d) => `; ${d.path}: ${d.message}`).join("");
  return new AppError(isErrorCode(code) ? code : "internal", `${message}${fields}`, {
    details: details ?? [],
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return code in ERROR_CODES;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
