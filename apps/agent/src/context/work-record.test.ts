import { expect, test } from "bun:test";
import { reply } from "../testing/replies.ts";
import { outputEntry, replyEntry } from "./conversation-entry.ts";
import { WorkRecord } from "./work-record.ts";

function turn(name: string, args: object, exitCode?: number, text = "") {
  const said = replyEntry(reply({ text, toolCalls: [{ id: "same", name, argsText: JSON.stringify(args) }] }));
  const output = outputEntry("same", { output: "x", ...(exitCode === undefined ? {} : { exitCode }) });
  return said === undefined ? [] : [said, output];
}

test("files that were written and commands with their exit codes are remembered, each with its own result", () => {
  const record = new WorkRecord();
  record.add([
    ...turn("write_file", { path: "a.ts", content: "x" }),
    ...turn("bash", { command: "npm\n  test" }, 1, "It fails."),
    ...turn("edit_file", { path: "b.ts" }),
    ...turn("bash", { command: "npm test" }, 0),
    ...turn("read_file", { path: "c.ts" }),
  ]);
  expect(record.text(10_000, true)).toBe(
    "Files written: a.ts, b.ts\nThe last thing you said: It fails.\nCommands run, oldest first:\n- npm test → exit code 1\n- npm test → exit code 0",
  );
  expect(record.text(10_000, false)).not.toContain("It fails");
});

test("it stays within its room: the newest commands are shown", () => {
  const record = new WorkRecord();
  for (let at = 0; at < 500; at++) record.add(turn("bash", { command: `step ${at} ${"x".repeat(500)}` }, 0));
  const text = record.text(1_000, true);
  expect(text.length).toBeLessThan(1_100);
  expect(text).toContain("step 499");
  expect(text).not.toContain("step 480");
});
