import { LLM_BODY_BYTES_MAX, LLM_HEADER_MS_MAX, LLM_RUN_CALLS_MAX } from "@windshift/contract/limits.ts";

/** Limits of the broker; a test may set them lower. */
export interface LlmLimits {
  bodyBytesMax: number;
  headerMsMax: number;
  idleMsMax: number;
  drainMsMax: number;
  documentBytesMax: number;
  lineBytesMax: number;
  retriesMax: number;
  callsPerRunMax: number;
  queuedCallsMax: number;
  queuedCallsPerRunMax: number;
}

/** Silence in the middle of a model's reply before it counts as lost, ms: as long as the wait for its header. */
export const LLM_IDLE_MS_MAX = 5 * 60_000;
/** How long a finished reply whose caller left is read on for the token counts behind it, ms (LB-09). */
export const LLM_DRAIN_MS_MAX = 2_000;
/** A model's reply that is one JSON document, bytes: 128k output tokens are well under 1 MiB. */
export const LLM_DOCUMENT_BYTES_MAX = 8 * 1_048_576;
/** One line of a streamed reply, bytes. It is all that is held of a stream, so it bounds memory per call (LB-13). */
export const LLM_LINE_BYTES_MAX = 262_144;
/** Tries after the first one at one target. More is the agent's to decide, which tells people what it waits for. */
export const LLM_RETRIES_MAX = 2;
/** Calls that may wait for one connection: at 5 s a call and ten at once, the last one waits two minutes. */
export const LLM_QUEUED_CALLS_MAX = 256;
/** Calls of one run that may wait, for its own turn or for a connection: at 5 s a call and 16 at once, the last one waits 15 s. */
export const LLM_RUN_QUEUED_CALLS_MAX = 48;

export const LLM_LIMITS: LlmLimits = {
  bodyBytesMax: LLM_BODY_BYTES_MAX,
  headerMsMax: LLM_HEADER_MS_MAX,
  idleMsMax: LLM_IDLE_MS_MAX,
  drainMsMax: LLM_DRAIN_MS_MAX,
  documentBytesMax: LLM_DOCUMENT_BYTES_MAX,
  lineBytesMax: LLM_LINE_BYTES_MAX,
  retriesMax: LLM_RETRIES_MAX,
  callsPerRunMax: LLM_RUN_CALLS_MAX,
  queuedCallsMax: LLM_QUEUED_CALLS_MAX,
  queuedCallsPerRunMax: LLM_RUN_QUEUED_CALLS_MAX,
};

/** Wait before the first retry, ms; doubled for each further one, and cut by up to half at random. */
export const RETRY_MS = 500;
/** The longest Retry-After that is waited for here, ms; a longer one is given to the agent, or to the next target. */
export const RETRY_AFTER_MS_MAX = 10_000;
/** Retry-After of our own refusal when too many calls wait, s. */
export const QUEUE_RETRY_AFTER_S = 5;

/** What is read of a provider's error reply, bytes; the rest is dropped. */
export const ERROR_BYTES_MAX = 65_536;
/** What is passed on of a provider's error message, bytes. */
export const ERROR_MESSAGE_BYTES_MAX = 2_048;
/** Output tokens one call may ask for: the most that today's models give. */
export const OUTPUT_TOKENS_MAX = 131_072;
/** Output tokens of a call that names no cap while a budget holds: all but the smallest models take it, and few turns need more. */
export const BUDGET_OUTPUT_TOKENS = 16_384;
/** Bytes of a request body that one token takes at least, on average over a whole body: code and JSON take three to four. */
export const BYTES_PER_TOKEN_MIN = 2;
/** Tokens that a provider adds to a request by itself, such as its wording of the tools. */
export const CALL_OVERHEAD_TOKENS = 500;
/** Tokens of one picture at most: providers scale it down first. */
export const PICTURE_TOKENS_MAX = 5_000;
/** One picture in base64, bytes: what providers take. */
export const PICTURE_BYTES_MAX = 5 * 1_048_576;
/** Levels of brackets in a request body; a tool's JSON Schema takes about twenty. */
export const JSON_DEPTH_MAX = 128;
/**
 * Values in a request body: a session of 200 turns with 50 tools has some 10,000. Each costs about a microsecond to read,
 * check and write, in which no other call is served (LB-14).
 */
export const JSON_VALUES_MAX = 32_768;
/** A body longer than this gives way to other calls between the steps of its reading, bytes: 1 MiB takes 5 to 10 ms a step. */
export const LARGE_BODY_BYTES = 1_048_576;
/** Escaped characters in a request body: 4 MB of program text have some 200,000. Each costs up to 60 ns, for the same reason. */
export const JSON_ESCAPES_MAX = 500_000;
