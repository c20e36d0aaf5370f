import { redact } from "@windshift/base/redact.ts";
import { AppError, type ErrorBody, errorBody, type FieldProblem } from "@windshift/contract/app-error.ts";
import { HTTPException } from "hono/http-exception";
import type { ZodError } from "zod";
import { inputProblem } from "./input-problem.ts";
import type { Log } from "./log.ts";

/**
 * Every failure of a request as the error that is answered. What is not an operating failure is logged and answered without detail:
 * so is a row that does not fit its schema, which is no fault of who asked.
 */
export function toAppError(thrown: unknown, requestId: string, log: Log): AppError {
  if (thrown instanceof AppError) {
    if (thrown.cause !== undefined)
      log.warn({ requestId, code: thrown.code, cause: textOf(thrown.cause) }, thrown.message);
    return thrown;
  }
  if (thrown instanceof HTTPException && thrown.status < 500) {
    return thrown.status === 415
      ? new AppError("unsupported", 'send the header "Content-Type: application/json"')
      : new AppError("invalid_input", "the body is not valid JSON");
  }
  log.error({ requestId, error: textOf(thrown) }, "a request failed");
  return new AppError(
    "internal",
    `something went wrong on the server; its log has the cause under ${requestId}`,
  );
}

/** An `invalid_input` of all that a schema found wrong, field by field; its message names the first. */
export function invalidInput(error: ZodError): AppError {
  const details: FieldProblem[] = error.issues.map((issue) => ({
    path: issue.path.join("."),
    message: inputProblem(issue),
  }));
  const first = details[0];
  const where = first === undefined || first.path === "" ? "" : `${first.path}: `;
  return new AppError("invalid_input", `${where}${first?.message ?? "the input is not valid"}`, { details });
}

/** An error as it leaves the server: JSON body, status and headers. The cause is not in it. */
export function errorResponse(error: AppError): Response {
  return Response.json(errorBody(error) satisfies ErrorBody, {
    status: error.status,
    headers: errorHeaders(error),
  });
}

/** Headers of every error: no cache keeps it, when to try again, s, and with 401 what kind of credential is asked for. */
export function errorHeaders(error: AppError): Record<string, string> {
  return {
    "cache-control": "no-store",
    ...(error.retryAfterS === undefined ? {} : { "retry-after": String(error.retryAfterS) }),
    ...(error.status === 401 ? { "www-authenticate": "Bearer" } : {}),
  };
}

/** Stack and causes, without secrets. */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return redact(String(thrown));
  const cause = thrown.cause === undefined ? "" : `\ncaused by: ${textOf(thrown.cause)}`;
  const { stack = "", name, message } = thrown;
  // Errors of the schema library have a stack without a message.
  return redact(stack.includes(message) ? stack : `${name}: ${message}\n${stack}`) + cause;
}
