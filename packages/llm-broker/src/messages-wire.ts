import type { ErrorBody } from "@windshift/contract/app-error.ts";
import type { LlmWire } from "./llm-wire.ts";
import { authorizeMessagesRequest } from "./messages-request.ts";
import { usageOfMessage } from "./token-usage.ts";

/** The version of the API that is asked for; the caller's own headers, `anthropic-beta` too, are not passed on. */
const ANTHROPIC_VERSION = "2023-06-01";

/** Anthropic's Messages API, for connections to it. */
export const messagesWire: LlmWire = {
  path: "/v1/messages",
  servedBy: ({ provider }) => provider === "anthropic",
  notServed:
    "This run's model is behind an OpenAI-compatible connection, which has no /v1/messages; use POST /v1/chat/completions.",
  authorize: authorizeMessagesRequest,
  credential: ({ apiKey }) => ({
    "anthropic-version": ANTHROPIC_VERSION,
    ...(apiKey === null ? {} : { "x-api-key": apiKey }),
  }),
  errorBody: messagesError,
  stream: {
    separators: [Buffer.from("\n\n"), Buffer.from("\r\n\r\n")],
    endMark: Buffer.from('"message_stop"'),
    isEnd: (line) => /^data:\s*\{\s*"type"\s*:\s*"message_stop"/.test(line),
    usageMark: Buffer.from('"usage"'),
    usageOf: usageOfMessage,
    // The counts come with the stop reason, so there is nothing to wait for behind it.
    isFinished: () => false,
    errorEvent: (status, body) => `event: error\ndata: ${JSON.stringify(messagesError(status, body))}\n\n`,
  },
};

/** Anthropic's names of errors, by which its clients choose their class of error. */
const TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  415: "invalid_request_error",
  422: "invalid_request_error",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function messagesError(status: number, { error }: ErrorBody): unknown {
  const { code, message, details } = error;
  const type = TYPES[status] ?? "api_error";
  return { type: "error", error: { type, code, message, ...(details === undefined ? {} : { details }) } };
}
