import { expect, test } from "bun:test";
import { callsAgent, handleOf } from "./mention.ts";

const calls = (body: string) => callsAgent(body, "Coding Agent", "acme-bot");

test("an agent's handle is its name in small letters and hyphens", () => {
  expect(["Coding Agent", "  Ünal's Bot 2 ", "代码", "!!"].map(handleOf)).toEqual([
    "coding-agent",
    "unal-s-bot-2",
    "代码",
    "",
  ]);
});

test("an agent is called by its handle, by @windshift and by the account of its pull requests", () => {
  for (const body of [
    "@coding-agent please rename it",
    "Nice!\n\n(@Coding-Agent: one more test)",
    "hey @windshift, do it again",
    "@acme-bot.",
  ])
    expect([body, calls(body)]).toEqual([body, true]);
  expect(callsAgent("@my-app[bot] go", "X", "my-app[bot]")).toBe(true);
});

test("other words call nobody", () => {
  for (const body of [
    "coding-agent did well",
    "@coding-agents all",
    "@coding-agent-2 do it",
    "mail@windshift.example",
    "see https://x.example/@windshift",
    "> @windshift fix this\n\nI agree",
    "run `@windshift` to call it",
    "```\n@windshift\n```",
    "~~~\n```\n@windshift\n~~~",
    "    @windshift",
    "<!-- @windshift -->",
    "@",
    "",
  ])
    expect([body, calls(body)]).toEqual([body, false]);
});

test("a call after a closed fence counts", () => {
  expect(calls("```js\nx\n```\n@windshift use y")).toBe(true);
});
