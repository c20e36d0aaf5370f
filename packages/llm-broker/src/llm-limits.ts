import { LLM_BODY_BYTES_MAX, LLM_HEADER_MS_MAX } from "@windshift/contract/limits.ts";

/** Limits of the broker; a test may set them lower. */
export interface LlmLimits {
  bodyBytesMax: number;
  headerMsMax: number;
  idleMsMax: number;
  documentBytesMax: number;
  lineBytesMax: number;
}

/** Silence in the middle of a model's reply before it counts as lost, ms: as long as the wait for its header. */
export const LLM_IDLE_MS_MAX = 5 * 60_000;
/** A model's reply that is one JSON document, bytes: 128k output tokens are well under 1 MiB. */
export const LLM_DOCUMENT_BYTES_MAX = 8 * 1_048_576;
/** One line of a streamed reply, bytes. It is all that is held of a stream, so it bounds memory per call (LB-13). */
export const LLM_LINE_BYTES_MAX = 262_144;

export const LLM_LIMITS: LlmLimits = {
  bodyBytesMax: LLM_BODY_BYTES_MAX,
  headerMsMax: LLM_HEADER_MS_MAX,
  idleMsMax: LLM_IDLE_MS_MAX,
  documentBytesMax: LLM_DOCUMENT_BYTES_MAX,
  lineBytesMax: LLM_LINE_BYTES_MAX,
};

/** What is read of a provider's error reply, bytes; the rest is dropped. */
export const ERROR_BYTES_MAX = 65_536;
/** What is passed on of a provider's error message, bytes. */
export const ERROR_MESSAGE_BYTES_MAX = 2_048;
/** Output tokens one call may ask for: the most that today's models give. */
export const OUTPUT_TOKENS_MAX = 131_072;
/** Levels of brackets in a request body; a tool's JSON Schema takes about twenty. */
export const JSON_DEPTH_MAX = 128;
