import { expect, test } from "bun:test";
import { type Json, type JsonObject, objectOf } from "../json.ts";
import { parseReply, ReplyBuilder } from "./model-reply.ts";

function streamed(...deltas: JsonObject[]) {
  const builder = new ReplyBuilder();
  for (const delta of deltas) builder.add({ choices: [{ delta }] });
  builder.add({ choices: [{ delta: {}, finish_reason: "tool_calls" }] });
  return builder.reply();
}

const call = (index: number, id: string | undefined, name: string | undefined, args: string) => ({
  tool_calls: [{ index, ...(id ? { id } : {}), function: { ...(name ? { name } : {}), arguments: args } }],
});

test("arguments streamed in pieces and out of order come together by index", () => {
  const reply = streamed(
    call(0, "a", "bash", '{"comm'),
    call(1, "b", "read_file", '{"path"'),
    call(0, undefined, undefined, 'and":"ls"}'),
    call(1, undefined, undefined, ':"x"}'),
  );
  expect(reply.toolCalls).toEqual([
    { id: "a", name: "bash", argsText: '{"command":"ls"}' },
    { id: "b", name: "read_file", argsText: '{"path":"x"}' },
  ]);
});

test("calls without an index are told apart by their id", () => {
  const piece = (id: string | undefined, args: string) => ({
    tool_calls: [{ id: id ?? null, function: { name: id === undefined ? null : "bash", arguments: args } }],
  });
  const reply = streamed(piece("a", "{"), piece(undefined, "}"), piece("b", "{}"));
  expect(reply.toolCalls.map(({ id, argsText }) => [id, argsText])).toEqual([
    ["a", "{}"],
    ["b", "{}"],
  ]);
});

test("text comes from a string or from parts; unknown fields are passed over", () => {
  expect(
    streamed({ reasoning_content: "hmm", content: "a" }, { content: null, x: 1 }, { content: "b" }).text,
  ).toBe("ab");
  const parts = [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }];
  const whole = parseReply(JSON.stringify({ choices: [{ message: { content: parts } }], extra: {} }));
  expect(whole?.text).toBe("ab");
});

test("arguments sent as an object are taken as their JSON", () => {
  const message = { tool_calls: [{ id: "a", function: { name: "bash", arguments: { command: "ls" } } }] };
  const reply = parseReply(JSON.stringify({ choices: [{ message }] }));
  expect(reply?.toolCalls[0]?.argsText).toBe('{"command":"ls"}');
});

test("usage is taken when both figures are numbers, also from a last chunk without choices", () => {
  const builder = new ReplyBuilder();
  builder.add({ choices: [{ delta: { content: "a" }, finish_reason: "stop" }] });
  builder.add({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } });
  expect(builder.reply().usage).toEqual({ inputTokens: 12, outputTokens: 3 });
  expect(parseReply('{"choices":[{"message":{}}],"usage":{"prompt_tokens":"12"}}')?.usage).toBeUndefined();
});

test("what is no completion is told apart from an empty reply", () => {
  for (const body of [
    "",
    "oops",
    "[]",
    "null",
    "{}",
    '{"choices":[]}',
    '{"choices":[{"message":null}]}',
    '{"choices":[{"message":"x"}]}',
  ])
    expect({ body, reply: parseReply(body) }).toEqual({ body, reply: undefined });
  expect(parseReply('{"choices":[{"message":{"content":null}}]}')).toMatchObject({ text: "", toolCalls: [] });
});

test("wrong types anywhere in a reply never throw", () => {
  const odd: Json[] = [null, 1, "x", true, [], {}, [[]], [{}], { index: "0" }];
  for (const a of odd)
    for (const b of odd) {
      const shapes: Json[] = [
        a,
        { choices: a },
        { choices: [{ message: a, delta: b }] },
        { choices: [{ message: { content: a, tool_calls: b }, delta: { tool_calls: [a, b] } }] },
        { choices: [{ message: { tool_calls: [{ id: a, function: b }] }, finish_reason: a }], usage: b },
      ];
      for (const shape of shapes) {
        parseReply(JSON.stringify(shape));
        new ReplyBuilder().add(objectOf(shape));
      }
    }
});

test("reasoning is kept with the name of its field, whichever the server uses", () => {
  expect(
    streamed({ reasoning_content: "I " }, { reasoning_content: "think" }, { content: "a" }),
  ).toMatchObject({
    text: "a",
    reasoning: "I think",
    reasoningField: "reasoning_content",
  });
  expect(streamed({ reasoning: "so" }, { content: "a" })).toMatchObject({
    reasoning: "so",
    reasoningField: "reasoning",
  });
  // Both at once say the same twice.
  expect(streamed({ reasoning_content: "so", reasoning: "so" }).reasoning).toBe("so");
  expect(streamed({ content: "a", reasoning: null, reasoning_content: "" }).reasoning).toBeUndefined();
});

test("Mistral's parts of thought are reasoning", () => {
  const thinking = [{ type: "text", text: "hm" }];
  const content = [
    { type: "thinking", thinking },
    { type: "text", text: "a" },
  ];
  expect(streamed({ content })).toMatchObject({ text: "a", reasoning: "hm" });
});

test("a refusal is what the model says", () => {
  expect(streamed({ refusal: "I cannot " }, { refusal: "do that" }).text).toBe("I cannot do that");
  const message = { content: null, refusal: "no" };
  expect(parseReply(JSON.stringify({ choices: [{ message }] }))?.text).toBe("no");
});

test("of several choices one is read", () => {
  const builder = new ReplyBuilder();
  builder.add({ choices: [{ index: 0, delta: { content: "a" } }] });
  builder.add({ choices: [{ index: 1, delta: { content: "other" }, finish_reason: "stop" }] });
  expect(builder.isComplete()).toBe(false);
  builder.add({
    choices: [
      { index: 1, delta: { content: "other" } },
      { index: 0, delta: { content: "b" }, finish_reason: "stop" },
    ],
  });
  expect(builder.reply()).toMatchObject({ text: "ab", finishReason: "stop" });
});

test("an empty finish_reason is none", () => {
  const builder = new ReplyBuilder();
  builder.add({ choices: [{ delta: { content: "a" }, finish_reason: "" }] });
  expect(builder.isComplete()).toBe(false);
});

test("a function_call of the older form is a tool call, whole or in pieces", () => {
  const message = { function_call: { name: "bash", arguments: '{"command":"ls"}' } };
  expect(parseReply(JSON.stringify({ choices: [{ message }] }))?.toolCalls).toMatchObject([
    { name: "bash", argsText: '{"command":"ls"}' },
  ]);
  const pieces = [
    { function_call: { name: "bash", arguments: "" } },
    { function_call: { arguments: '{"command"' } },
    { function_call: { arguments: ':"ls"}' } },
  ];
  expect(streamed(...pieces).toolCalls).toMatchObject([{ name: "bash", argsText: '{"command":"ls"}' }]);
});

test("a whole message within a stream is the reply; one that repeats it adds nothing", () => {
  const message = { content: "all", tool_calls: [{ id: "a", function: { name: "bash", arguments: "{}" } }] };
  const builder = new ReplyBuilder();
  expect(builder.add({ choices: [{ message, finish_reason: "stop" }] })).toBe("all");
  expect(builder.add({ choices: [{ message, finish_reason: "stop" }] })).toBe("");
  expect(builder.reply()).toMatchObject({ text: "all", toolCalls: [{ id: "a", name: "bash" }] });
});

test("usage may be cumulative, text, under other names or in another place; 0 and nonsense are none", () => {
  const usageOf = (...chunks: JsonObject[]) => {
    const builder = new ReplyBuilder();
    for (const chunk of chunks) builder.add(chunk);
    return builder.reply().usage;
  };
  const usage = (input: Json, output: Json) => ({ prompt_tokens: input, completion_tokens: output });
  const expected = { inputTokens: 9, outputTokens: 2 };
  expect(usageOf({ usage: usage(9, 1) }, { usage: usage(9, 2) }, { usage: null })).toEqual(expected);
  expect(usageOf({ usage: usage("9", "2") })).toEqual(expected);
  expect(usageOf({ usage: { input_tokens: 9, output_tokens: 2 } })).toEqual(expected);
  expect(usageOf({ x_groq: { usage: usage(9, 2) } })).toEqual(expected);
  expect(usageOf({ choices: [{ delta: {}, usage: usage(9, 2) }] })).toEqual(expected);
  for (const odd of [usage(0, 0), usage(-1, 2), usage(1e300, 2), usage(9, null), 7, "9", [9, 2]])
    expect(usageOf({ usage: odd })).toBeUndefined();
});

test("halves of surrogate pairs become text", () => {
  const reply = streamed({ content: "\ud83d" }, { content: "\ude00 \ud83d" }, { reasoning: "\ude00" });
  expect(reply.text).toBe("😀 \ufffd");
  expect(reply.reasoning).toBe("\ufffd");
});
