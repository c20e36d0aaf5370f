import { expect, test } from "bun:test";
import { reply } from "../testing/replies.ts";
import { Conversation } from "./conversation.ts";
import { cutFreshOutputs, dropOldPictures, shortenOld } from "./shortening.ts";

/** Turns of one call each whose outputs weigh about the same. */
function talkOf(turns: number, outputChars: number, window: number): Conversation {
  const talk = new Conversation("system", [], window);
  talk.addTask("task");
  for (let at = 0; at < turns; at++) addTurn(talk, at, outputChars);
  return talk;
}

function addTurn(talk: Conversation, at: number, outputChars: number, image = false): void {
  const toolCalls = [{ id: `c${at}`, name: "bash", argsText: "{}" }];
  talk.addReply(reply({ reasoning: `thoughts ${at} `.repeat(10), toolCalls }));
  const output = `begin ${at} ${"some words ".repeat(outputChars / 11)} end ${at}`;
  talk.addToolResult(`c${at}`, {
    output,
    ...(image ? { image: { mediaType: "image/png", base64: "AAAA" } as const } : {}),
  });
}

function sent(talk: Conversation): string[] {
  const { messages } = JSON.parse(Buffer.from(talk.requestBody("m", false)).toString()) as {
    messages: object[];
  };
  return messages.map((message) => JSON.stringify(message));
}

test("old outputs are shortened to head and tail, oldest first, and the last turns are not touched", () => {
  const talk = talkOf(20, 4_000, 20_000);
  const before = sent(talk);
  expect(talk.tokens()).toBeGreaterThan(talk.budget().full);
  expect(shortenOld(talk)).toBe(true);
  const after = sent(talk);
  expect(talk.tokens()).toBeLessThanOrEqual(talk.budget().shortened);
  expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
  expect(after[3]).toContain("begin 0 ");
  expect(after[3]).toContain(" end 0");
  expect(after[3]).toContain("of this old output were dropped");
  expect(after.slice(-6)).toEqual(before.slice(-6));
});

test("thoughts go first, then pictures, then outputs", () => {
  const thoughtful = talkOf(20, 400, 1_000_000);
  for (let at = 20; at < 26; at++) addTurn(thoughtful, at, 400, at < 22);
  for (let at = 26; at < 36; at++) addTurn(thoughtful, at, 400);
  const text = () => sent(thoughtful).join("\n");
  const thoughts = () => text().match(/reasoning_content/g)?.length ?? 0;
  const pictures = () => text().match(/image_url"/g)?.length ?? 0;
  thoughtful.learn(undefined, Math.ceil(thoughtful.tokens() / 0.9));
  shortenOld(thoughtful);
  expect([thoughts() < 36, pictures() < 4, text().includes("old output")]).toEqual([true, true, false]);
  expect(text()).toContain("1 pictures were dropped to save room");
});

test("pictures over what one turn may bring go one by one, oldest first, and the newest stay", () => {
  const talk = new Conversation("system", [], 1_000_000);
  talk.addTask("task");
  const base64 = (mark: string) => mark.repeat(3_700_000);
  for (const [turn, marks] of [["A", "B"], ["C"], ["D", "E"]].entries()) {
    const toolCalls = marks.map((mark) => ({ id: `${mark}${turn}`, name: "read_file", argsText: "{}" }));
    talk.addReply(reply({ toolCalls }));
    for (const mark of marks)
      talk.addToolResult(`${mark}${turn}`, {
        output: "a picture",
        image: { mediaType: "image/png", base64: base64(mark) },
      });
  }
  expect(dropOldPictures(talk)).toBe(true);
  const seen = sent(talk)
    .join("")
    .match(/base64,[A-E]/g);
  expect(seen).toEqual(["base64,C", "base64,D", "base64,E"]);
  expect(
    sent(talk)
      .join("")
      .match(/pictures? (was|were) dropped to save room/g),
  ).toHaveLength(1);
  expect(dropOldPictures(talk)).toBe(false);
});

test("nothing is changed when shortening would not make enough room", () => {
  const talk = talkOf(400, 380, 20_000);
  const before = sent(talk);
  expect(talk.tokens()).toBeGreaterThan(talk.budget().full);
  expect(shortenOld(talk)).toBe(false);
  expect(sent(talk)).toEqual(before);
});

test("the notice names the file of its own output, also when the text speaks of another one", () => {
  const kept: string[] = [];
  const talk = new Conversation("system", [], 20_000, (text) => `/tmp/kept/${kept.push(text)}.txt`);
  talk.addTask("task");
  const toolCalls = ["a", "b"].map((id) => ({ id, name: "bash", argsText: "{}" }));
  talk.addReply(reply({ toolCalls }));
  const words = "some words ".repeat(3_000);
  talk.addToolResult("a", { output: `${words} see /tmp/kept/77.txt`, fullPath: "/tmp/kept/of-bash.txt" });
  talk.addToolResult("b", { output: `${words} see /tmp/kept/88.txt` });
  cutFreshOutputs(talk);
  for (let at = 0; at < 12; at++) addTurn(talk, at, 4_000);
  shortenOld(talk);
  const [first, second] = sent(talk).slice(3, 5);
  expect(first).toContain("old output were dropped to save room; all of it is in /tmp/kept/of-bash.txt");
  expect(second).toContain("old output were dropped to save room; all of it is in /tmp/kept/1.txt");
  expect(kept[0]).toBe(`${words} see /tmp/kept/88.txt`);
});

test("outputs of one turn share their room: the largest are cut before they are sent, small ones stay", () => {
  const talk = new Conversation("system", [], 8_000);
  talk.addTask("task");
  const toolCalls = ["a", "b", "c"].map((id) => ({ id, name: "bash", argsText: "{}" }));
  talk.addReply(reply({ toolCalls }));
  talk.addToolResult("a", { output: "small" });
  for (const id of ["b", "c"]) talk.addToolResult(id, { output: "some words ".repeat(4_000) });
  expect(cutFreshOutputs(talk)).toBe(true);
  expect(talk.tokens()).toBeLessThan(talk.budget().full);
  const outputs = sent(talk).slice(-3);
  expect(outputs[0]).toContain('"small"');
  expect(outputs[1]?.length).toBe(outputs[2]?.length ?? 0);
  expect(outputs[1]).toContain("of this output were dropped");
  expect(cutFreshOutputs(talk)).toBe(false);
});
