import { sse } from "./raw-model.ts";

/**
 * One reply with all that a reply can hold, as a streaming server sends it: a comment, thoughts, text with characters of two, three
 * and four bytes, two parallel calls whose arguments come in pieces and out of turn, a reason, figures, an end mark.
 */
export const RECORDED_STREAM = [
  ": OPENROUTER PROCESSING\n\n",
  chunk({ role: "assistant", content: "", reasoning_content: "Read, " }),
  chunk({ reasoning_content: "then end." }),
  chunk({ content: "Ich prüfe — " }),
  chunk({ content: "gleich 😀." }),
  call(0, '{"pa', "call_a", "read_file"),
  call(1, '{"outcome":"comp', "call_b", "finish"),
  call(0, 'th":"README.md"}'),
  call(1, 'leted","summary":"prüft \\"alles\\" 😀"}'),
  chunk({}, "tool_calls"),
  sse({ id: "1", choices: [], usage: { prompt_tokens: 1200, completion_tokens: 45 } }),
  sse("[DONE]"),
].join("");

/** The same reply as one document. */
export const RECORDED_DOCUMENT = JSON.stringify({
  id: "1",
  object: "chat.completion",
  model: "m",
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        reasoning_content: "Read, then end.",
        content: "Ich prüfe — gleich 😀.",
        tool_calls: [
          wholeCall("call_a", "read_file", '{"path":"README.md"}'),
          wholeCall("call_b", "finish", '{"outcome":"completed","summary":"prüft \\"alles\\" 😀"}'),
        ],
      },
      finish_reason: "tool_calls",
    },
  ],
  usage: { prompt_tokens: 1200, completion_tokens: 45 },
});

/** What both of them say. */
export const RECORDED_REPLY = {
  text: "Ich prüfe — gleich 😀.",
  reasoning: "Read, then end.",
  reasoningField: "reasoning_content",
  toolCalls: [
    { id: "call_a", name: "read_file", argsText: '{"path":"README.md"}' },
    { id: "call_b", name: "finish", argsText: '{"outcome":"completed","summary":"prüft \\"alles\\" 😀"}' },
  ],
  finishReason: "tool_calls",
  usage: { inputTokens: 1200, outputTokens: 45 },
};

function chunk(delta: object, finish_reason: string | null = null): string {
  return sse({ id: "1", choices: [{ index: 0, delta, finish_reason }] });
}

function call(index: number, args: string, id?: string, name?: string): string {
  const begin = id === undefined ? {} : { id, type: "function" };
  const fn = { ...(name === undefined ? {} : { name }), arguments: args };
  return chunk({ tool_calls: [{ index, ...begin, function: fn }] });
}

function wholeCall(id: string, name: string, args: string): object {
  return { id, type: "function", function: { name, arguments: args } };
}
