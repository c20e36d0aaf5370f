import { expect, test } from "bun:test";
import { reply } from "../testing/replies.ts";
import { Conversation } from "./conversation.ts";

interface Sent {
  role: string;
  content: unknown;
  tool_call_id?: string;
}

function conversation(): Conversation {
  const made = new Conversation("system", [], 10_000);
  made.addTask("task");
  return made;
}

function messages(of: Conversation): Sent[] {
  return (JSON.parse(Buffer.from(of.requestBody("m", false)).toString()) as { messages: Sent[] }).messages;
}

test("arguments that are no JSON go back as an empty object, which every provider takes", () => {
  const talk = conversation();
  talk.addReply(reply({ toolCalls: [{ id: "a", name: "bash", argsText: "{oops" }] }));
  expect(messages(talk).at(-1)).toEqual({
    role: "assistant",
    content: null,
    tool_calls: [{ id: "a", type: "function", function: { name: "bash", arguments: "{}" } }],
  } as never);
});

test("half surrogate pairs, which no text may have, reach no request", () => {
  const talk = new Conversation("system", [], 10_000);
  talk.addTask("half \ud83d");
  talk.addMessage("half \udc00");
  const argsText = String.raw`{"a":"\ud83d and \uD83D\uDE00"}`;
  talk.addReply(reply({ toolCalls: [{ id: "a", name: "bash", argsText }] }));
  talk.addToolResult("a", { output: "cut in \ud83d|two" });
  const body = Buffer.from(talk.requestBody("m", false)).toString();
  expect(body).not.toMatch(/\\ud/i);
  const sent = messages(talk);
  expect(sent.map(({ content }) => content)).toEqual([
    "system",
    "half \ufffd",
    "half \ufffd",
    null,
    "cut in \ufffd|two",
  ]);
  expect(JSON.stringify(sent)).toContain("and 😀");
});

test("an empty reply and an empty message are not sent", () => {
  const talk = conversation();
  talk.addReply(reply({}));
  talk.addReply(reply({ text: " \n\n" }));
  talk.addMessage("");
  talk.addMessage(" \n");
  expect(messages(talk)).toHaveLength(2);
});

test("white space is no text beside a call, and no output", () => {
  const talk = conversation();
  talk.addReply(reply({ text: "\n\n", toolCalls: [{ id: "a", name: "bash", argsText: "{}" }] }));
  talk.addToolResult("a", { output: "\n" });
  talk.addReply(reply({ text: "\n\nThat is it.\n" }));
  expect(messages(talk).map(({ content }) => content)).toEqual([
    "system",
    "task",
    null,
    "(no output)",
    "That is it.",
  ]);
});

test("pictures follow the results of their turn in a message of the user, as tool messages hold text alone", () => {
  const talk = conversation();
  const toolCalls = ["a", "b"].map((id) => ({ id, name: "read_file", argsText: "{}" }));
  talk.addReply(reply({ toolCalls }));
  talk.addToolResult("a", { output: "a picture", image: { mediaType: "image/png", base64: "AAAA" } });
  talk.addToolResult("b", { output: "text" });
  talk.addMessage("and this");
  expect(
    messages(talk)
      .slice(3)
      .map(({ role, content }) => [role, content]),
  ).toEqual([
    ["tool", "a picture"],
    ["tool", "text"],
    [
      "user",
      [
        { type: "text", text: "Pictures from the tool results above, in their order:" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
      ],
    ],
    ["user", "and this"],
  ]);
});

test("reasoning goes back beside calls, in the field it came in, and not beside plain text", () => {
  const talk = conversation();
  const toolCalls = [{ id: "a", name: "bash", argsText: "{}" }];
  talk.addReply(reply({ reasoning: "hm", toolCalls }));
  talk.addToolResult("a", { output: "" });
  talk.addReply(reply({ reasoning: "hm", reasoningField: "reasoning", toolCalls }));
  talk.addToolResult("a", { output: "" });
  talk.addReply(reply({ reasoning: "hm", text: "done" }));
  const replies = messages(talk).filter(({ role }) => role === "assistant");
  expect(replies[0]).toMatchObject({ reasoning_content: "hm" });
  expect(replies[1]).toMatchObject({ reasoning: "hm" });
  expect(replies[2]).toEqual({ role: "assistant", content: "done" });
});

test("messages of people that come together are one message to the model", () => {
  const talk = conversation();
  talk.addMessage("one");
  talk.addMessage("two");
  expect(messages(talk).at(-1)).toEqual({ role: "user", content: "one\n\ntwo" });
});

test("a window told by the server holds from then on; nonsense does not", () => {
  const talk = conversation();
  talk.learn(undefined, 5_000);
  expect(talk.window()).toBe(5_000);
  expect(talk.learn(undefined, 1_000)).toContain("a context window of 1000 tokens");
  expect(talk.learn(undefined, 1_000)).toBeUndefined();
  expect(talk.window()).toBe(5_000);
  talk.learn(undefined, 50_000);
  expect(talk.window()).toBe(50_000);
});

test("a refusal makes the window smaller for good, until the server tells of another one", () => {
  const talk = conversation();
  talk.learn(undefined, 8_000);
  talk.addUser("some words ".repeat(20_000));
  talk.learnRefusal(talk, 0.9, 5_000);
  expect(talk.window()).toBe(5_000);
  talk.learn(undefined, 8_000);
  expect(talk.window()).toBe(5_000);
  talk.learn(undefined, 16_000);
  expect(talk.window()).toBe(16_000);
});

test("the bytes of text a request may have are a window too, but not those of pictures", () => {
  const talk = new Conversation("system", [], 100_000_000);
  talk.addTask("task");
  const image = { mediaType: "image/png", base64: "A".repeat(5_000_000) } as const;
  for (const id of ["a", "b"]) talk.addToolResult(id, { output: "x", image });
  expect(talk.tokens()).toBeLessThan(talk.budget().full);
  talk.addUser("some words ".repeat(500_000));
  expect(talk.isSurelyRoomy()).toBe(false);
  expect(talk.tokens()).toBeGreaterThan(talk.budget().full);
});

test("a conversation is not weighed while even its bytes are fewer than the tokens of its window", () => {
  const talk = new Conversation("system", [], 20_000);
  talk.addTask("task");
  const toolCalls = [{ id: "a", name: "bash", argsText: "{}" }];
  const turn = (chars: number) => {
    talk.addReply(reply({ toolCalls }));
    talk.addToolResult("a", { output: "word ".repeat(chars / 5) });
  };
  for (let at = 0; at < 3; at++) turn(4_000);
  const output = talk.all().at(-1);
  expect(talk.isSurelyRoomy()).toBe(false); // more than the outputs of one turn may take
  messages(talk);
  expect(talk.isSurelyRoomy()).toBe(true);
  turn(4_000);
  messages(talk);
  expect(talk.isSurelyRoomy()).toBe(false);
  expect(output?.weight).toBeLessThan(output?.bytes ?? 0);
});
