import { expect, test } from "bun:test";
import { Conversation } from "./conversation.ts";

function conversation(window: number): Conversation {
  const made = new Conversation("system", [], window);
  made.addUser("task");
  return made;
}

function messages(of: Conversation): { role: string; content: string }[] {
  return (JSON.parse(of.requestBody("m", false)) as { messages: { role: string; content: string }[] })
    .messages;
}

test("old tool outputs are shortened, oldest first, when the window fills; everything else stays", () => {
  const talk = conversation(10_000);
  for (let at = 0; at < 8; at++) talk.addToolResult(`c${at}`, { output: `${at} `.repeat(2_500) });
  const room = talk.makeRoom();
  expect(room?.before).toBeGreaterThan(8_500);
  expect(room?.after).toBeLessThanOrEqual(6_000);
  const [system, task, ...outputs] = messages(talk);
  expect([system?.content, task?.content]).toEqual(["system", "task"]);
  expect(outputs[0]?.content).toContain("characters of this old output were dropped");
  expect(outputs.at(-1)?.content).toBe("7 ".repeat(2_500));
  expect(talk.makeRoom()).toBeUndefined();
});

test("nothing is shortened while there is room", () => {
  const talk = conversation(100_000);
  talk.addToolResult("c", { output: "x".repeat(10_000) });
  expect(talk.makeRoom()).toBeUndefined();
});

test("a smaller window told by the server holds from then on", () => {
  const talk = conversation(100_000);
  talk.addToolResult("c", { output: "x".repeat(20_000) });
  talk.learn(undefined, 4_000);
  expect(talk.makeRoom()?.after).toBeLessThan(4_000);
});

test("the estimate follows the provider's figures", () => {
  const talk = conversation(100_000);
  talk.addToolResult("c", { output: "x".repeat(10_000) });
  talk.learn(5_000, undefined);
  expect(talk.tokens()).toBe(5_000);
  talk.learn(1, undefined); // nonsense is bounded
  expect(talk.tokens()).toBeGreaterThan(900);
});

test("arguments that are no JSON go back as an empty object, which every provider takes", () => {
  const talk = conversation(10_000);
  talk.addReply({
    text: "",
    toolCalls: [{ id: "a", name: "bash", argsText: "{oops" }],
    finishReason: "tool_calls",
    usage: undefined,
  });
  expect(messages(talk).at(-1)).toEqual({
    role: "assistant",
    content: null,
    tool_calls: [{ id: "a", type: "function", function: { name: "bash", arguments: "{}" } }],
  } as never);
});
