import { expect, test } from "bun:test";
import { failureOf } from "./model-failure.ts";

const kindOf = (status: number, error: object | string) =>
  failureOf(status, JSON.stringify({ error }), new Headers(), 0).kind;

/** As the servers word it, with the status they send. */
const OVERFLOWS: Record<string, [status: number, error: object | string]> = {
  OpenAI: [
    400,
    {
      message:
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130011 tokens. Please reduce the length of the messages.",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    },
  ],
  "OpenAI, newer": [400, { message: "Input tokens exceed the configured limit of 272000 tokens." }],
  broker: [400, { message: "The model provider answered 400: too long", code: "context_length_exceeded" }],
  "broker, body": [413, { message: "The request body is over 16777216 bytes", code: "too_large" }],
  vLLM: [
    400,
    {
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
      type: "BadRequestError",
      code: 400,
    },
  ],
  "vLLM, newer": [
    400,
    { message: "The decoder prompt (length 5000) is longer than the maximum model length of 4096." },
  ],
  "llama.cpp": [
    400,
    {
      code: 400,
      message: "the request exceeds the available context size, try increasing it",
      type: "exceed_context_size_error",
      n_prompt_tokens: 9000,
      n_ctx: 4096,
    },
  ],
  "llama.cpp, older": [500, { code: 500, message: "Context size has been exceeded.", type: "server_error" }],
  Ollama: [400, { message: "prompt too long; exceeded max context length by 904 tokens" }],
  "LM Studio": [
    400,
    "Trying to keep the first 5432 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
  ],
  OpenRouter: [
    400,
    {
      message:
        "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens (190000 of text input, 10000 of tool input).",
      code: 400,
    },
  ],
  "OpenRouter, upstream": [
    400,
    {
      message: "Provider returned error",
      code: 400,
      metadata: { raw: '{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}' },
    },
  ],
  DeepSeek: [
    400,
    {
      message: "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens",
      code: "invalid_request_error",
    },
  ],
  Mistral: [
    400,
    {
      message:
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
      code: "3051",
    },
  ],
  Gemini: [
    400,
    {
      message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
      status: "INVALID_ARGUMENT",
    },
  ],
  Anthropic: [
    400,
    {
      message: "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
      type: "invalid_request_error",
    },
  ],
  Groq: [
    400,
    { message: "Please reduce the length of the messages or completion.", code: "context_length_exceeded" },
  ],
  "Groq, body": [413, { message: "Request too large for model", code: "rate_limit_exceeded" }],
  Together: [
    422,
    {
      message:
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 100 `max_new_tokens`",
    },
  ],
  SGLang: [
    400,
    { message: "The input (5000 tokens) is longer than the model's context length (4096 tokens)." },
  ],
  xAI: [400, "This model's maximum prompt length is 131072 but the request contains 200000 tokens."],
  GitHub: [
    400,
    {
      message: "prompt token count of 130000 exceeds the limit of 128000",
      code: "model_max_prompt_tokens_exceeded",
    },
  ],
  Moonshot: [400, { message: "Invalid request: Your request exceeded model token limit: 131072" }],
};

for (const [server, [status, error]] of Object.entries(OVERFLOWS))
  test(`a request over the window is seen in the words of ${server}`, () => {
    expect(kindOf(status, error)).toBe("overflow");
  });

test("other refusals that speak of tokens, length or context are none", () => {
  for (const [status, message] of [
    [400, "max_tokens must be at least 1"],
    [400, "Invalid 'messages[3].content': string too long. Expected a string with maximum length 10485760"],
    [400, "tool_call_id is too long: expected maximum length 40"],
    [400, "context_window_fallbacks is not a valid field"],
    [400, "Unknown parameter: 'context_length'"],
    [401, "This model's maximum context length is 5 tokens"],
    [403, "your plan does not include models with a context length over 32768"],
    [
      429,
      "Rate limit reached for tokens per minute. Limit 6000, Requested 7000. Reduce the length of the messages",
    ],
    [500, "failed to create the llama context"],
    [503, "context deadline exceeded"],
    [500, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"],
    [400, "invalid max_tokens value, the valid range of max_tokens is [1, 8192]"],
  ] as const)
    expect({ message, kind: kindOf(status, { message }) }).toEqual({ message, kind: "refused" });
});
