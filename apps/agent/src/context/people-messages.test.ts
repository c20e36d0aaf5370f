import { expect, test } from "bun:test";
import { shownMessages } from "./people-messages.ts";
import { tokenWeight } from "./token-weight.ts";

const nowhere = () => undefined;

test("messages that fit are shown whole, and none is kept elsewhere", () => {
  const keep = () => {
    throw new Error("not needed");
  };
  expect(shownMessages(["one", "two"], 1_000, tokenWeight, keep)).toBe("one\n\ntwo");
});

test("of too many the newest are shown, in their order, and all are kept word for word", () => {
  const texts = Array.from({ length: 300 }, (_, at) => `wish ${at}: ${"please do it ".repeat(20)}`);
  let kept = "";
  const shown = shownMessages(texts, 1_000, tokenWeight, (text) => {
    kept = text;
    return "/tmp/all.txt";
  });
  expect(tokenWeight(shown)).toBeLessThan(1_100);
  expect(shown).toContain("All 300 are in /tmp/all.txt");
  expect(shown.indexOf("wish 298:")).toBeLessThan(shown.indexOf("wish 299:"));
  expect(shown).not.toContain("wish 0:");
  for (const text of texts) expect(kept).toContain(text);
});

test("one message that is too long alone keeps its two ends", () => {
  const shown = shownMessages([`BEGIN ${"word ".repeat(9_000)}END`], 500, tokenWeight, nowhere);
  expect(shown).toContain("BEGIN");
  expect(shown).toContain("END");
  expect(tokenWeight(shown)).toBeLessThan(600);
});
