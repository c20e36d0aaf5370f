/** Codes and types that say it outright: OpenAI and Azure (also Groq, Cerebras, our broker), llama.cpp, GitHub Models. */
const OVERFLOW_CODES = new Set([
  "context_length_exceeded",
  "exceed_context_size_error",
  "model_max_prompt_tokens_exceeded",
  "tokens_limit_reached",
]);
/** Answers that can mean it. 500 is what older llama.cpp says; 200 an error within a reply. 429 never: tokens a minute are no window. */
const OVERFLOW_STATUSES = new Set([200, 400, 422, 500]);
/**
 * How servers without a code of their own put it. Each needs the window and the excess in one sentence: "context" alone stands in
 * many a message that shortening would not cure, such as a bad `max_tokens` or a context of the server's own.
 */
const OVERFLOW_PHRASES = [
  /maximum context length (?:is|of) \d+/i, // OpenAI, DeepSeek, vLLM, OpenRouter, Fireworks
  /\d+ maximum context length/i, // Mistral: "too large for model with 32768 maximum context length"
  /(?:exceeds?|longer than) the (?:model's |available )?(?:maximum )?context (?:length|size|window)/i, // llama.cpp, SGLang, Ollama
  /context (?:size|length|window) (?:has been |was |is )?exceed/i, // llama.cpp within a stream, LM Studio
  /exceeds? (?:the )?(?:model's )?(?:max(?:imum)? )?context (?:length|limit|window)/i, // Ollama, Anthropic
  /context window exceeds limit/i, // MiniMax
  /exceeded max context length/i, // Ollama: "prompt too long; exceeded max context length by 9 tokens"
  /longer than the maximum model length/i, // vLLM
  /model's context length|loaded with context length|reached context length of/i, // SGLang, LM Studio
  /greater than the context length/i, // LM Studio
  /prompt is too long/i, // Anthropic, Fireworks
  /maximum prompt length is \d+/i, // xAI
  /exceeds the maximum number of tokens allowed/i, // Gemini
  /prompt token count of \d+ exceeds/i, // GitHub
  /exceeded model token limit/i, // Moonshot
  /prompt exceeds max length/i, // Zhipu
  /range of input length should be/i, // Qwen
  /input is too long for requested model/i, // Bedrock
  /reduce the length of the messages/i, // OpenAI, Groq, Cerebras
  /input tokens exceed the configured limit/i, // OpenAI
  /`inputs` (?:tokens \+ `max_new_tokens` )?must (?:be <=|have less than) \d+/i, // Together, TGI
];

/**
 * Whether an answer says that the request is over the model's window, so that a shorter one would do.
 * @param names the error's own code and type
 */
export function isContextOverflow(
  status: number,
  names: readonly (string | undefined)[],
  message: string,
): boolean {
  // A body that is too large for the server or for what stands before it has the same cure.
  if (status === 413) return true;
  if (names.some((name) => name !== undefined && OVERFLOW_CODES.has(name))) return true;
  return OVERFLOW_STATUSES.has(status) && OVERFLOW_PHRASES.some((phrase) => phrase.test(message));
}
