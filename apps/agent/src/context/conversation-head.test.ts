import { expect, test } from "bun:test";
import { Conversation } from "./conversation.ts";
import { cutNotes, headFits, shownHead } from "./conversation-head.ts";
import { tokenWeight } from "./token-weight.ts";

const NOTES = `\n\nNotes follow, each line behind a bar.\n\nAGENTS.md:\n${"| noted words of the repository\n".repeat(200)}| END-OF-NOTES`;

test("notes give way to the task: they are cut, then left out, before a word of it is", () => {
  const sentence = "Accept the form only when field seven is set. ";
  for (const sentences of [10, 120, 150]) {
    const talk = new Conversation("system", [], 8_000);
    const task = `${sentence.repeat(sentences)} INSTRUCTIONS-AT-THE-END`;
    talk.addTask(task, NOTES);
    expect(headFits(talk)).toBe(false);
    const head = shownHead(talk);
    expect(head.startsWith(task)).toBe(true);
    expect(head).not.toContain("END-OF-NOTES");
    expect(talk.tokensOf(head)).toBeLessThan(talk.budget().task + talk.budget().notes);
  }
});

test("notes that are cut end with a whole line and with where the rest is, and never without their label", () => {
  for (const tokens of [10, 30, 60, 100, 400]) {
    const cut = cutNotes(NOTES, tokens, tokenWeight);
    expect(tokenWeight(cut)).toBeLessThanOrEqual(tokens);
    if (cut === "") continue;
    expect(cut).toStartWith("\n\nNotes follow");
    expect(cut.split("AGENTS.md:\n")[1]).toMatch(/^(\| noted words of the repository\n)+\(cut: .*\)$/);
  }
  expect(cutNotes(NOTES, 10, tokenWeight)).toBe("");
  expect(cutNotes(NOTES, 100, tokenWeight)).not.toBe("");
  expect(cutNotes(NOTES, 10_000, tokenWeight)).toBe(NOTES);
});

test("a head that is written anew keeps what was carried on", () => {
  const talk = new Conversation("system", [], 8_000);
  talk.addTask("task ".repeat(5_000), NOTES);
  talk.carried.summary = "what was found out";
  talk.carried.people.push("use tabs");
  expect(shownHead(talk)).toContain("what was found out");
  expect(shownHead(talk)).toContain("use tabs");
});
