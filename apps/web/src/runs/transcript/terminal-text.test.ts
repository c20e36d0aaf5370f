import { expect, test } from "bun:test";
import { terminalSpans, terminalText } from "./terminal-text.ts";

const ESC = "\u001b";

test("turns colors into classes and goes back to plain text", () => {
  expect(terminalSpans(`${ESC}[1;31mFAIL${ESC}[0m add ${ESC}[92mok${ESC}[39m.`)).toEqual([
    { text: "FAIL", look: "term-bold term-front-1" },
    { text: " add ", look: "" },
    { text: "ok", look: "term-front-10" },
    { text: ".", look: "" },
  ]);
});

test("takes the nearest of the sixteen colors for others, with semicolons or colons", () => {
  for (const code of ["38;5;196", "38;2;250;10;10", "38:5:196"])
    expect(terminalSpans(`${ESC}[${code}mred`)).toEqual([{ text: "red", look: "term-front-9" }]);
  expect(terminalSpans(`${ESC}[48;5;999mplain`)).toEqual([{ text: "plain", look: "" }]);
  expect(terminalSpans(`${ESC}[38;5;2;1mboth`)).toEqual([{ text: "both", look: "term-bold term-front-2" }]);
});

test("WB-04 keeps the text of a link and drops where it leads, and titles, cursors and devices", () => {
  const link = `${ESC}]8;;https://evil.test${"\u0007"}click${ESC}]8;;${ESC}\\`;
  expect(terminalSpans(`a ${link} b`)).toEqual([{ text: "a click b", look: "" }]);
  expect(terminalText(`${ESC}]0;title\u0007x${ESC}[2J${ESC}[1;1Hy${ESC}P1$r\u001b\\z${ESC}(Bw${ESC}=v`)).toBe(
    "xyzwv",
  );
});

test("WB-04 an unfinished link swallows its own line at most", () => {
  expect(terminalText(`a${ESC}]8;;https://evil.test\nthe next line`)).toBe("a\nthe next line");
});

test("WB-04 a text that is cut anywhere shows the beginning of what the whole shows", () => {
  const whole = `${ESC}[31mred${ESC}[0m ${ESC}]8;;https://evil.test${ESC}\\link${ESC}]8;;${ESC}\\ end`;
  for (let at = 0; at <= whole.length; at++) {
    const shown = terminalText(whole.slice(0, at));
    expect("red link end").toStartWith(shown);
  }
});

test("shows the last state of a line that was written over, and names what is hidden", () => {
  expect(terminalText("10%\r50%\r100%\r\ndone\r\n")).toBe("100%\ndone\n");
  expect(terminalText('if (a) {\u202e // b \u2066"\u0000')).toBe('if (a) {[U+202E] // b [U+2066]"[U+0000]');
});

test("a text that changes its color at every letter becomes a bounded number of spans, with all its letters", () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `${ESC}[3${index % 8}mx`).join("");
  const spans = terminalSpans(many);
  expect(spans.length).toBe(2_000);
  expect(spans.reduce((sum, { text }) => sum + text.length, 0)).toBe(5_000);
});

test("long texts full of escapes that never end are read in time that grows with their length", () => {
  const startedMs = performance.now();
  terminalText(`${ESC}]`.repeat(200_000));
  terminalText(`${ESC}[`.repeat(200_000));
  terminalText(`${ESC}[1`.repeat(100_000));
  terminalText("\r".repeat(400_000));
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
