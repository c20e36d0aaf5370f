type RefusalStatus = 400 | 401 | 403 | 404 | 413 | 415 | 429 | 502 | 503;

/** An answer that says no in one line; git shows it to a person for `info/refs`, and curl for the rest. */
export function refusal(status: RefusalStatus, sentence: string): Response {
  return new Response(`${sentence}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...(status === 429 || status === 503 ? { "retry-after": "5" } : {}),
      ...(status === 401 ? { "www-authenticate": 'Basic realm="windshift git"' } : {}),
    },
  });
}

/** A request body that turned out to be unacceptable while it streamed by. Carries its own answer. */
export class BodyRefused extends Error {
  override readonly name = "BodyRefused";
  constructor(
    readonly status: 400 | 403 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** Said to an attempt that is not, or no longer, the live one. */
export const NOT_LIVE = "this run has ended or was given to another runner";
