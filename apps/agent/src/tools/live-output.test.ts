import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { LIVE_OUTPUT_BYTES_MAX, LiveOutput } from "./live-output.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function watch() {
  const shown: string[] = [];
  const live = new LiveOutput((text) => shown.push(text));
  return { shown, live, push: (text: string | Uint8Array) => live.push(Buffer.from(text)) };
}

test("what comes within a quarter of a second is shown together", () => {
  const { shown, push } = watch();
  push("a\n");
  push("b\n");
  jest.advanceTimersByTime(249);
  expect(shown).toEqual([]);
  jest.advanceTimersByTime(1);
  push("c");
  jest.advanceTimersByTime(250);
  expect(shown).toEqual(["a\nb\n", "c"]);
});

test("neither characters nor control sequences are torn, wherever the pieces end", () => {
  const text = "é€😀 \u001b[1;31mred\u001b[0m\r\n\u001b]0;title\u0007end\n";
  const bytes = Buffer.from(text);
  for (let at = 1; at < bytes.length; at++) {
    const { shown, push } = watch();
    push(bytes.subarray(0, at));
    jest.advanceTimersByTime(250);
    push(bytes.subarray(at));
    jest.advanceTimersByTime(250);
    expect(shown.join("").replace("\r", "")).toBe("é€😀 red\nend\n");
  }
});

test("a progress bar is shown now and then, and its last state with its line", () => {
  const { shown, push } = watch();
  for (let percent = 1; percent <= 100; percent++) {
    push(`\r${percent}% done`);
    jest.advanceTimersByTime(100);
  }
  push("\nnext\n");
  jest.advanceTimersByTime(250);
  const lines = shown.join("").trim().split("\n");
  expect(lines.length).toBeLessThan(8);
  expect(lines.slice(-2)).toEqual(["100% done", "next"]);
  expect(lines.slice(0, -1).every((line) => /^\d+% done$/.test(line))).toBe(true);
});

test("a line that was shown and is then overwritten goes on as a new line", () => {
  const { shown, push } = watch();
  push("fetching");
  jest.advanceTimersByTime(250);
  push("\rfetched\n");
  jest.advanceTimersByTime(250);
  expect(shown.join("")).toBe("fetching\nfetched\n");
});

test("the amount is bounded, the rest is announced once, and whole characters are shown", () => {
  const { shown, push } = watch();
  for (let round = 0; round < 100; round++) {
    push("€".repeat(1_000));
    jest.advanceTimersByTime(250);
  }
  const all = shown.join("");
  expect(all.match(/more output comes with the result/g)).toHaveLength(1);
  expect(all).not.toContain("\ufffd");
  const bytes = Buffer.byteLength(all.split("\n")[0] ?? "");
  expect(bytes).toBeWithin(LIVE_OUTPUT_BYTES_MAX - 3, LIVE_OUTPUT_BYTES_MAX + 1);
});

test("nothing is shown after the end", () => {
  const { shown, live, push } = watch();
  push("late\n");
  live.close();
  push("later\n");
  jest.advanceTimersByTime(1_000);
  expect(shown).toEqual([]);
});

test("binary data is named", () => {
  const { shown, push } = watch();
  push(Buffer.from(Array.from({ length: 4_000 }, (_, at) => (at * 167) % 256)));
  jest.advanceTimersByTime(250);
  expect(shown.join("")).toStartWith("[binary output is not shown]");
  expect(shown.join("").length).toBeLessThan(100);
});
