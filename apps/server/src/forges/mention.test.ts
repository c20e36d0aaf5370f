import { expect, test } from "bun:test";
import { handleOf } from "@windshift/contract/handle.ts";
import { cpuMs } from "@windshift/testing/cpu-time.ts";
import { callsAgent } from "./mention.ts";

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
  expect(callsAgent("@Ünal go", "Ünal", "acme-bot")).toBe(true);
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
    "a <!-- b --> c <!-- @windshift --> d",
    "<!-- @windshift",
    "@",
    "",
  ])
    expect([body, calls(body)]).toEqual([body, false]);
});

test("a call after a closed fence counts", () => {
  expect(calls("```js\nx\n```\n@windshift use y")).toBe(true);
});

test("a call between two hidden texts counts", () => {
  expect(calls("<!-- a --> @windshift go <!-- b -->")).toBe(true);
  expect(calls("<!-->\n@windshift -->")).toBe(true);
});

test("is found in no time, whatever a stranger writes", async () => {
  const units = ["<!--", "<!", "`", "``x", "`x``", "@", "@a-", "@a.", "@a[bot", "-->", "\t", "~~~\n", "\n>"];
  const took = await cpuMs(() => {
    for (const unit of units)
      expect([unit, calls(unit.repeat(1_000_000 / unit.length))]).toEqual([unit, false]);
  });
  expect(took).toBeLessThan(2_000);
});

test("only the first 32 KiB of a comment are read", () => {
  expect(calls(`${"x".repeat(32_000)} @windshift`)).toBe(true);
  expect(calls(`${"x".repeat(33_000)} @windshift`)).toBe(false);
});
