import { expect, test } from "bun:test";
import { editedText } from "./text-edit.ts";

/** Numbers below a bound, the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("2,000 random edits of files with every mix of line endings do what they would without returns", () => {
  const next = numbers(7);
  const some = (parts: readonly string[], length: number) =>
    Array.from({ length }, () => parts[next(parts.length)]).join("");
  const endings = [["\n"], ["\r\n"], ["\n", "\r\n"]];
  for (let round = 0; round < 2_000; round++) {
    const file = some(["a", "b", "ä", " ", ...(endings[round % 3] ?? [])], 1 + next(40));
    const plain = file.replaceAll("\r\n", "\n");
    const from = next(plain.length);
    const old_text = plain.slice(from, from + 1 + next(6));
    const new_text = some(["x", "\n", "é"], next(4));
    if (new_text === old_text) continue;
    const edited = editedText(Buffer.from(file), [{ old_text, new_text, all: true }]);
    if (edited.kind === "refused")
      throw new Error(`${JSON.stringify({ file, old_text, new_text })}: ${edited.why}`);
    const now = edited.bytes.toString("utf8");
    expect(now.replaceAll("\r\n", "\n")).toBe(plain.split(old_text).join(new_text));
    if (round % 3 === 0) expect(now).not.toContain("\r");
    if (round % 3 === 1 && file.includes("\r\n")) expect(now.replaceAll("\r\n", "")).not.toContain("\n");
    expect(edited.matches).toBe(plain.split(old_text).length - 1);
  }
});

test("the line numbers told are those of the new file", () => {
  const edits = [
    { old_text: "b", new_text: "B\nB" },
    { old_text: "d", new_text: "" },
    { old_text: "e", new_text: "E" },
  ];
  const edited = editedText(Buffer.from("a\r\nb\r\nc\r\nd\r\ne\r\n"), edits);
  expect(edited).toMatchObject({ kind: "edited", lines: [2, 5, 6] });
});

test("a text of other bytes than those around it does not match half of a character", () => {
  const edited = editedText(Buffer.from("ä"), [{ old_text: "\u00c3", new_text: "x" }]);
  expect(edited.kind).toBe("refused");
});
