import { expect, test } from "bun:test";
import type { RunEvent } from "@windshift/contract/event.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { readRecording, storyOf } from "./recording.ts";

type Told = Pick<RunEvent, "type" | "data">;
const said = (text: string): Told => ({ type: "content", data: { text } });
const done = (id: string, output: string, duration_ms: number): Told => ({
  type: "tool_done",
  data: { id, tool: "bash", output, duration_ms },
});

test("two runs with other ids, times and pieces of text tell the same story", () => {
  const one = [said("Look "), said("first."), done("call_a", "ok", 3), done("call_b", "ok", 4)];
  const other: Told[] = [
    { type: "lifecycle", data: { note: "progress", text: "receiving" } },
    said("Look first."),
    { type: "tool_output", data: { id: "x", text: "o" } },
    done("x", "ok", 9),
    done("y", "ok", 1),
  ];
  expect(storyOf(other)).toEqual(storyOf(one));
});

test("another output, another order and a call more are another story", () => {
  const story = storyOf([said("a"), done("1", "ok", 1)]);
  expect(storyOf([said("a"), done("1", "failed", 1)])).not.toEqual(story);
  expect(storyOf([done("1", "ok", 1), said("a")])).not.toEqual(story);
  expect(storyOf([said("a"), done("1", "ok", 1), done("1", "ok", 1)])).not.toEqual(story);
});

const recordings = readScenarios(`${import.meta.dir}/scenarios`).flatMap(
  ({ scenario }) => scenario.recording ?? [],
);

test.each(recordings)("%s is a whole run: numbered without gaps, ended by session_idle", (path) => {
  const events = readRecording(path);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  const notes = events.map(({ data }) => data.note);
  expect(notes.lastIndexOf("finish")).toBe(notes.indexOf("session_idle") - 1);
});
