/** How servers name the window when a request is over it; the figure is in the first group. */
const FIGURES = [
  /maximum context length (?:is|of) ([\d,]+)/i, // OpenAI, vLLM, OpenRouter
  /([\d,]+) maximum context length/i, // Mistral
  /context (?:size|length|window|limit)[^\d]{0,30}([\d,]+) tokens/i, // llama.cpp
  /> ([\d,]+) maximum/i, // Anthropic
  /maximum prompt length is ([\d,]+)/i, // xAI
  /maximum number of tokens allowed \(?([\d,]+)/i, // Gemini
];

/** The window a refusal names, tokens; undefined when it names none. */
export function windowNamed(message: string): number | undefined {
  for (const figure of FIGURES) {
    const text = figure.exec(message)?.[1];
    if (text !== undefined) return Number(text.replaceAll(",", ""));
  }
  return undefined;
}
