import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "./error-codes.ts";

/**
 * An operating failure. The message says what, which value, what to do next, and may be shown to the caller;
 * `cause` is for the log only and is never sent.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: readonly FieldProblem[]; retryAfterS?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.details = options.details ?? [];
    this.retryAfterS = options.retryAfterS;
  }
  /** When to try again, s; said in the header Retry-After. */
  readonly retryAfterS: number | undefined;
  readonly details: readonly FieldProblem[];
  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

export const FieldProblem = z.object({ path: z.string(), message: z.string() });
export type FieldProblem = z.infer<typeof FieldProblem>;

/** The body of every error answer of the API and of the LLM broker (OpenAI clients read `error.message` and `error.code`). */
export const ErrorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    type: z.string(),
    details: z.array(FieldProblem).optional(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** The body every failing answer of the API has. Holds the message and the problems of fields; never the cause. */
export function errorBody(error: AppError): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      type: "windshift_error",
      ...(error.details.length > 0 ? { details: [...error.details] } : {}),
    },
  };
}

/** Our bug, never an operating failure: ends the request with 500 or the process. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** For the branch that cannot be: a union that got a member shows here when it is compiled. @throws Error, always */
export function assertNever(value: never): never {
  throw new Error(`assertion failed: unexpected value ${JSON.stringify(value)}`);
}
