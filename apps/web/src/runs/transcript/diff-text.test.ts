import { expect, test } from "bun:test";
import { diffTextLines, editLines } from "./diff-text.tsx";

const kinds = (text: string) => diffTextLines(text)?.map(({ kind }) => kind);

test("tells added from removed lines within the hunks of a diff", () => {
  const text = "note\n--- a\n+++ b\n@@ -1,2 +1,2 @@ f\n same\n-old\n+new\ndiff --git a/x b/x\n--- a/x";
  expect(kinds(text)).toEqual(["same", "file", "file", "hunk", "same", "removed", "added", "file", "file"]);
});

test("takes lists and dashes of other output for no diff", () => {
  expect(diffTextLines("- one\n- two\n+ three\n--- \n@@ not @@")).toBeUndefined();
});

test("shows an edit as what goes and what comes, whatever its arguments are called", () => {
  expect(editLines({ path: "a", edits: [{ old_text: "a\nb\n", new_text: "c" }] })).toEqual([
    { kind: "removed", text: "-a" },
    { kind: "removed", text: "-b" },
    { kind: "added", text: "+c" },
  ]);
  expect(editLines({ old_string: "a", new_string: "" })?.length).toBe(1);
  for (const other of [{ command: "ls" }, "text", null, 7, { edits: [null, 7, "x"] }, { edits: {} }])
    expect(editLines(other)).toBeUndefined();
});
