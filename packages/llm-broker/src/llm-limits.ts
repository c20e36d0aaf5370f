import { LLM_BODY_BYTES_MAX, LLM_HEADER_MS_MAX } from "@windshift/contract/limits.ts";

/** Limits of the broker; a test may set them lower. */
export interface LlmLimits {
  /** Request body, bytes. */
  bodyBytesMax: number;
  /** Wait for the provider's response header, ms. */
  headerMsMax: number;
  /** Silence in the middle of a reply before it counts as lost, ms. */
  idleMsMax: number;
  /** A reply that is one JSON document, bytes: 128k output tokens are well under 1 MiB. */
  documentBytesMax: number;
  /** One line of an event stream, bytes. It is all that is held of a stream, so it bounds memory per call. */
  lineBytesMax: number;
}

export const LLM_LIMITS: LlmLimits = {
  bodyBytesMax: LLM_BODY_BYTES_MAX,
  headerMsMax: LLM_HEADER_MS_MAX,
  idleMsMax: 5 * 60_000,
  documentBytesMax: 8 * 1_048_576,
  lineBytesMax: 262_144,
};

/** What is read of a provider's error reply, bytes; the rest is dropped. */
export const ERROR_BYTES_MAX = 65_536;
/** What is passed on of a provider's error message, bytes. */
export const ERROR_MESSAGE_BYTES_MAX = 2_048;
/** Output tokens one call may ask for: the most that today's models give. */
export const OUTPUT_TOKENS_MAX = 131_072;
/** Levels of brackets in a request body; a tool's JSON Schema takes about twenty. */
export const JSON_DEPTH_MAX = 128;
