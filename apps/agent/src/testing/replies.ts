import type { ModelReply } from "../model/model-reply.ts";

/** A reply with these parts; the rest of it is empty. */
export function reply(parts: Partial<ModelReply>): ModelReply {
  return { text: "", toolCalls: [], finishReason: "stop", usage: undefined, ...parts };
}
