import { expect, test } from "bun:test";
import { reply } from "../testing/replies.ts";
import { compact } from "./compaction.ts";
import { Conversation } from "./conversation.ts";

/** A conversation that is over its window. */
function fullTalk(window: number): Conversation {
  const talk = new Conversation("a rule of the agent ".repeat(300), [], window);
  talk.addTask("what is to be done ".repeat(window / 12));
  for (let at = 0; at < 20; at++) {
    talk.addReply(reply({ toolCalls: [{ id: `c${at}`, name: "bash", argsText: "{}" }] }));
    talk.addToolResult(`c${at}`, { output: "some words ".repeat(window / 40) });
  }
  return talk;
}

test("no summary is asked for where there is no room for one of a hundred words", async () => {
  const asked: number[] = [];
  for (const window of [4_000, 40_000]) {
    const talk = fullTalk(window);
    await compact(talk, (source) => {
      asked.push(window);
      const text = "## Task\nA summary of what was done so far, and of what is still to be done.";
      expect(source.tokens()).toBeLessThan(window);
      return Promise.resolve({ kind: "reply", reply: reply({ text }), contextWindow: undefined });
    });
    expect(talk.tokens()).toBeLessThan(talk.budget().full);
  }
  expect(asked).toEqual([40_000]);
});
