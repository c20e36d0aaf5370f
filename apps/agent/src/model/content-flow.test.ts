import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { ContentFlow } from "./content-flow.ts";

function flow() {
  const texts: string[] = [];
  return { texts, flow: new ContentFlow((event) => event.type === "content" && texts.push(event.text)) };
}

test("the first text is shown at once, what follows is joined, and the end shows all", () => {
  const { texts, flow: content } = flow();
  content.push("one");
  expect(texts).toEqual(["one"]);
  for (let at = 0; at < 2_000; at++) content.push("x");
  expect(texts.length).toBeLessThan(10);
  content.end();
  expect(texts.join("")).toBe(`one${"x".repeat(2_000)}`);
  expect(content.shown).toBe(2_003);
});

test("text that waits is shown although nothing follows", async () => {
  const { texts, flow: content } = flow();
  content.push("one");
  content.push("two");
  expect(texts).toEqual(["one"]);
  await eventually("the rest is shown", () => texts.length === 2);
  expect(texts).toEqual(["one", "two"]);
  content.end();
  expect(texts).toHaveLength(2);
});

test("no event parts a surrogate pair or is longer than a transcript takes", () => {
  const { texts, flow: content } = flow();
  content.push("\ud83d");
  expect(texts).toEqual([]);
  content.push(`\ude00${"a😀".repeat(50_000)}`);
  content.end();
  expect(texts.join("")).toBe(`😀${"a😀".repeat(50_000)}`);
  for (const text of texts) {
    expect(text.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_536);
  }
});
