import { expect, test } from "bun:test";
import { parseReply, ReplyBuilder } from "./model-reply.ts";

function streamed(...deltas: object[]) {
  const builder = new ReplyBuilder();
  for (const delta of deltas) builder.add(JSON.stringify({ choices: [{ delta }] }));
  builder.add(JSON.stringify({ choices: [{ delta: {}, finish_reason: "tool_calls" }] }));
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
    tool_calls: [{ id, function: { name: id && "bash", arguments: args } }],
  });
  const reply = streamed(piece("a", "{"), piece(undefined, "}"), piece("b", "{}"));
  expect(reply.toolCalls.map(({ id, argsText }) => [id, argsText])).toEqual([
    ["a", "{}"],
    ["b", "{}"],
  ]);
});

test("text comes from a string or from parts; reasoning and unknown fields are passed over", () => {
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

test("a call without an id gets one, so that its result can be sent back", () => {
  const message = { tool_calls: [{ function: { name: "bash", arguments: "{}" } }] };
  expect(parseReply(JSON.stringify({ choices: [{ message }] }))?.toolCalls[0]?.id).toMatch(/^call_./);
});

test("usage is taken when both figures are numbers, also from a last chunk without choices", () => {
  const builder = new ReplyBuilder();
  builder.add('{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}');
  builder.add('{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3}}');
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
  const odd = [null, 1, "x", true, [], {}, [[]], [{}], { index: "0" }];
  for (const a of odd)
    for (const b of odd) {
      const shapes = [
        a,
        { choices: a },
        { choices: [{ message: a, delta: b }] },
        { choices: [{ message: { content: a, tool_calls: b }, delta: { tool_calls: [a, b] } }] },
        { choices: [{ message: { tool_calls: [{ id: a, function: b }] }, finish_reason: a }], usage: b },
      ];
      for (const shape of shapes) {
        parseReply(JSON.stringify(shape));
        new ReplyBuilder().add(JSON.stringify(shape));
      }
    }
});

test("an error object or broken JSON in a stream is no chunk", () => {
  for (const data of ['{"error":{"message":"overloaded"}}', "{", ""])
    expect(new ReplyBuilder().add(data)).toBeUndefined();
});
