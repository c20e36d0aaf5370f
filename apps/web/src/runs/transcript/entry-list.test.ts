import { expect, test } from "bun:test";
import { StoredEvent } from "@windshift/contract/event.ts";
import { entryKey, headlineOf } from "./entry.ts";
import { EntryList } from "./entry-list.ts";

type Given = Pick<StoredEvent, "type" | "data"> & { attempt?: number };

function listOf(...events: Given[]): EntryList {
  const list = new EntryList("none");
  for (const [index, event] of events.entries())
    list.add(
      StoredEvent.parse({
        attempt: 1,
        ...event,
        id: index + 1,
        seq: index + 1,
        at: "2026-01-01T00:00:00.000Z",
      }),
    );
  return list;
}

test("pieces that follow each other are one text, and a long text goes on in a further row", () => {
  const { entries } = listOf(
    { type: "content", data: { text: "I will " } },
    { type: "content", data: { text: "look." } },
    { type: "stdout", data: { text: "a" } },
    { type: "stdout", data: { text: "b" } },
    { type: "stderr", data: { text: "c" } },
  );
  expect(entries.map((entry) => [entry.kind, "text" in entry && entry.text])).toEqual([
    ["said", "I will look."],
    ["printed", "a\nb\n"],
    ["error_output", "c\n"],
  ]);
  const pieces = Array.from({ length: 30 }, () => ({
    type: "content" as const,
    data: { text: "x".repeat(1_000) },
  }));
  expect(listOf(...pieces).entries.map((entry) => "text" in entry && entry.text.length)).toEqual([
    8_000, 8_000, 8_000, 6_000,
  ]);
});

test("a tool is one row from its start to its result, beside others that run meanwhile", () => {
  const { entries } = listOf(
    { type: "tool_start", data: { id: "1", tool: "bash", args: { command: "sleep 1" } } },
    { type: "tool_start", data: { id: "2", tool: "grep", args: { pattern: "x" } } },
    { type: "tool_output", data: { id: "1", text: "half" } },
    { type: "tool_done", data: { id: "2", tool: "grep", output: "found", duration_ms: 5 } },
    { type: "tool_done", data: { id: "1", tool: "bash", output: "whole", exit_code: 1, duration_ms: 7 } },
    { type: "tool_output", data: { id: "1", text: "late" } },
  );
  expect(entries).toMatchObject([
    { tool: "bash", output: "whole", exitCode: 1, durationMs: 7, id: 1, endId: 5 },
    { tool: "grep", output: "found", exitCode: undefined, id: 2, endId: 4 },
  ]);
});

test("a result whose start is on an earlier page stands for itself, and output without a tool is left out", () => {
  const { entries } = listOf(
    { type: "tool_output", data: { id: "9", text: "of nobody" } },
    { type: "tool_done", data: { id: "9", tool: "bash", output: "result", exit_code: 0, duration_ms: 5 } },
  );
  expect(entries).toMatchObject([{ kind: "tool", tool: "bash", output: "result", id: 2 }]);
});

test("a tool that runs on goes on as a row of the next page, by its name if that is known", () => {
  const before = listOf({ type: "tool_start", data: { id: "1", tool: "bash", args: { command: "make" } } });
  for (const [known, tool] of [
    [before, "bash"],
    ["unknown", "tool"],
  ] as const) {
    const list = new EntryList(known);
    const event = { seq: 9, at: "2026-01-01T00:00:00.000Z", attempt: 1 };
    list.add(StoredEvent.parse({ ...event, id: 9, type: "tool_output", data: { id: "1", text: "on " } }));
    list.add(StoredEvent.parse({ ...event, id: 10, type: "tool_output", data: { id: "1", text: "and on" } }));
    expect(list.entries).toMatchObject([{ tool, output: "on and on", endId: 0 }]);
    list.add(
      StoredEvent.parse({
        ...event,
        id: 11,
        type: "tool_done",
        data: { id: "1", tool: "bash", output: "all" },
      }),
    );
    expect(list.entries).toMatchObject([{ tool: "bash", output: "all", endId: 11 }]);
  }
});

test("keeps only the end of what a running tool prints, and knows how much it holds", () => {
  const list = listOf(
    { type: "tool_start", data: { id: "1", tool: "bash", args: "" } },
    ...Array.from({ length: 20 }, () => ({
      type: "tool_output" as const,
      data: { id: "1", text: "y".repeat(1_000) },
    })),
  );
  expect(list.chars).toBe(8_000);
  expect(list.entries.length).toBe(1);
});

test("a further attempt is announced, and its rows have names of their own", () => {
  const { entries } = listOf(
    { type: "lifecycle", data: { phase: "agent" } },
    { type: "lifecycle", data: { phase: "claimed" }, attempt: 2 },
  );
  expect(entries.map((entry) => "text" in entry && entry.text)).toEqual([
    "The agent is working",
    "Attempt 2",
    "Claimed by a runner",
  ]);
  expect(new Set(entries.map(entryKey)).size).toBe(3);
  const middle = new EntryList("unknown");
  const event = { id: 9, seq: 4, at: "2026-01-01T00:00:00.000Z", attempt: 2 };
  middle.add(StoredEvent.parse({ ...event, type: "content", data: { text: "further" } }));
  expect(middle.entries.map(({ kind }) => kind)).toEqual(["said"]);
});

test("fields of a wrong type become text or nothing, never an error", () => {
  const odd = [{ a: 1 }, [1], 7, null, true, "text", "constructor", "__proto__"];
  for (const value of odd)
    for (const type of StoredEvent.shape.type.options)
      for (const name of ["text", "id", "tool", "args", "output", "phase", "note", "message", "exit_code"])
        for (const entry of listOf({ type, data: { [name]: value } }).entries)
          if (entry.kind !== "tool") expect(typeof entry.text).toBe("string");
          else expect([typeof entry.tool, typeof headlineOf(entry.args)]).toEqual(["string", "string"]);
});
