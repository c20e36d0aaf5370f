import { expect, test } from "bun:test";
import { parsePatch } from "./patch.ts";

const PATCH = `diff --git a/src/a b.txt b/src/a b.txt
index 1111111..2222222 100644
--- a/src/a b.txt
+++ b/src/a b.txt
@@ -1,3 +1,4 @@ function x
 one
-two
+two!
+++ not a header
 three
\\ No newline at end of file
diff --git a/old.txt b/new.txt
similarity index 90%
rename from old.txt
rename to new.txt
diff --git a/x.png b/x.png
new file mode 100644
Binary files /dev/null and b/x.png differ
`;

test("numbers the lines of a hunk on both sides", () => {
  expect(parsePatch(PATCH)[0]).toEqual({
    path: "src/a b.txt",
    added: 2,
    removed: 1,
    lines: [
      { kind: "hunk", text: "@@ -1,3 +1,4 @@ function x" },
      { kind: "context", before: 1, after: 1, text: "one" },
      { kind: "removed", before: 2, text: "two" },
      { kind: "added", after: 2, text: "two!" },
      { kind: "added", after: 3, text: "++ not a header" },
      { kind: "context", before: 3, after: 4, text: "three" },
      { kind: "note", text: "No newline at end of file" },
    ],
  });
});

test("a file's line that looks like a header stays a line of the file", () => {
  const forged = "diff --git a/a b/a\n@@ -1,2 +1 @@\n-diff --git a/evil b/evil\n diff --git a/b b/b\n";
  expect(parsePatch(forged).map((file) => file.path)).toEqual(["a"]);
});

test("names renamed and binary files and says what git says of them", () => {
  const [, renamed, binary] = parsePatch(PATCH);
  expect(renamed?.path).toBe("new.txt");
  expect(renamed?.lines).toContainEqual({ kind: "note", text: "rename from old.txt" });
  expect(binary).toMatchObject({
    path: "x.png",
    lines: [{ text: "new file mode 100644" }, { text: "Binary files /dev/null and b/x.png differ" }],
  });
});

test("gives what there is of a patch that was cut short, and nothing for none", () => {
  expect(parsePatch("diff --git a/a b/a\n@@ -1,90 +1,90 @@\n one\n+tw")[0]?.lines.length).toBe(3);
  expect(parsePatch("")).toEqual([]);
});
