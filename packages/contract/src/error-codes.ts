/**
 * The closed list of failure codes. Each gives the HTTP status of an answer, the exit code of a program
 * and whether the caller may retry. Retry looks at the code, never at a message.
 */
export const ERROR_CODES = {
  invalid_input: { status: 400, exit: 2, retry: false },
  unauthenticated: { status: 401, exit: 4, retry: false },
  budget_exhausted: { status: 402, exit: 1, retry: false },
  forbidden: { status: 403, exit: 4, retry: false },
  run_ended: { status: 403, exit: 1, retry: false },
  not_found: { status: 404, exit: 5, retry: false },
  conflict: { status: 409, exit: 6, retry: false },
  lease_lost: { status: 409, exit: 6, retry: false },
  superseded: { status: 409, exit: 6, retry: false },
  too_large: { status: 413, exit: 2, retry: false },
  unsupported: { status: 415, exit: 2, retry: false },
  rate_limited: { status: 429, exit: 75, retry: true },
  internal: { status: 500, exit: 70, retry: false },
  upstream_failed: { status: 502, exit: 69, retry: true },
  unavailable: { status: 503, exit: 69, retry: true },
  timed_out: { status: 504, exit: 75, retry: true },
} as const satisfies Record<string, { status: number; exit: number; retry: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;
