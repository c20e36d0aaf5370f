import { AppError, ErrorBody } from "@windshift/contract/app-error.ts";
import { ERROR_CODES, type ErrorCode } from "@windshift/contract/error-codes.ts";
import type { z } from "zod";
import { visibleTexts } from "./visible-text.ts";

export type FetchApi = (request: Request) => Response | Promise<Response>;

/**
 * What a page shows, read from our own API as the person who asks for the page: the same checks, the same answers, one
 * place for both. Every text comes out with its hidden characters made visible.
 */
export class PageApi {
  /** Cookies that the API renewed, to be sent with the page. */
  readonly setCookies = new Set<string>();
  private readonly cookie: string | null;

  constructor(
    private readonly fetchApi: FetchApi,
    request: Request,
  ) {
    this.cookie = request.headers.get("cookie");
  }

  /** @throws AppError with the code of the API's answer */
  async get<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> {
    // Only the cookie: a link from elsewhere may open a page, though it may not call the API.
    const headers = this.cookie === null ? undefined : { cookie: this.cookie };
    const response = await this.fetchApi(new Request(`http://pages.invalid${path}`, headers && { headers }));
    for (const cookie of response.headers.getSetCookie()) this.setCookies.add(cookie);
    const body: unknown = await response.json();
    if (!response.ok) throw errorOf(response.status, body);
    return schema.parse(visibleTexts(body));
  }
}

function errorOf(status: number, body: unknown): AppError {
  const parsed = ErrorBody.safeParse(body);
  const code = parsed.success ? parsed.data.error.code : "";
  return new AppError(
    isErrorCode(code) ? code : "internal",
    parsed.success ? parsed.data.error.message : `the API answered ${status}`,
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}
