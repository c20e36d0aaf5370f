import type { ErrorBody } from "@windshift/contract/app-error.ts";
import { chatWire } from "./chat-wire.ts";
import type { LlmEndpoint, LlmTarget } from "./llm-target.ts";
import { messagesWire } from "./messages-wire.ts";
import type { AuthorizedCall } from "./request-body.ts";
import type { UsageSoFar } from "./token-usage.ts";

/** One shape of requests and replies. What goes in by a route goes out by the same route: nothing is translated. */
export interface LlmWire {
  /** Added to the root of the provider; the end of the caller's path. */
  path: string;
  /** Whether a target has this route. */
  servedBy(target: LlmTarget): boolean;
  /** Said when the run's first target does not have it. */
  notServed: string;
  authorize(text: string, target: LlmTarget): AuthorizedCall;
  /** Headers that carry the credential, and what else the provider asks for. */
  credential(endpoint: LlmEndpoint): Record<string, string>;
  /** An error as the clients of this shape read it; our code is in it either way. */
  errorBody(status: number, body: ErrorBody): unknown;
  stream: StreamFormat;
}

/** How a streamed reply is read on its way. A mark is text without which a line cannot be what is looked for. */
export interface StreamFormat {
  /** Ends of what may be passed on: a line where each is an event of its own, else a whole event. */
  separators: readonly Buffer[];
  endMark: Buffer;
  isEnd(line: string): boolean;
  usageMark: Buffer;
  usageOf(json: unknown, before: UsageSoFar | undefined): UsageSoFar | undefined;
  /** Whether the reply is complete but for its counts, by the last lines of it. */
  isFinished(text: string): boolean;
  errorEvent(status: number, body: ErrorBody): string;
}

/** Every model route of the broker; one that is not here does not exist (LB-17). */
export const LLM_WIRES: readonly LlmWire[] = [chatWire, messagesWire];
