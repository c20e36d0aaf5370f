import { authorizeChatRequest } from "./chat-request.ts";
import type { LlmWire } from "./llm-wire.ts";
import { usageOfChat } from "./token-usage.ts";

/**
 * Chat completions. Every provider has them: Anthropic serves the route beside its own, with the same key as a bearer,
 * which is what lets our agent use an Anthropic connection.
 */
export const chatWire: LlmWire = {
  path: "/v1/chat/completions",
  servedBy: () => true,
  notServed: "",
  authorize: authorizeChatRequest,
  credential: ({ apiKey }) => (apiKey === null ? {} : { Authorization: `Bearer ${apiKey}` }),
  errorBody: (_, body) => body,
  stream: {
    separators: [Buffer.from("\n")],
    endMark: Buffer.from("[DONE]"),
    isEnd: (line) => /^data:\s*\[DONE\]\s*$/.test(line),
    usageMark: Buffer.from('"prompt_tokens"'),
    usageOf: (json) => usageOfChat(json),
    isFinished: (text) => /"finish_reason"\s*:\s*"/.test(text),
    errorEvent: (_, body) => `\n\ndata: ${JSON.stringify(body)}\n\n`,
  },
};
