import { describe, expect, test } from "bun:test";
import { nearMiss } from "./near-miss.ts";
import { editedText } from "./text-edit.ts";

const FILE = Buffer.from(`import x from "y";

/** Adds. */
export function add(a: number, b: number): number {
\tconst timeoutMs = 5_000;
\tif (a > b) {
\t\treturn a + b;
\t}
\treturn b;
}

export function sub(a: number, b: number): number {
\treturn a - b;
}
`);

describe("a text that is not there is answered with what it was probably meant to be:", () => {
  test.each<[string, string, string]>([
    [
      "spaces for tabs",
      "    if (a > b) {\n        return a + b;\n    }",
      "it is at lines 6 to 8 but for indentation: line 6 begins with 1 tab, in old_text with 4 spaces; the file has\n6\t\tif (a > b) {\n7\t\t\treturn a + b;\n8\t\t}",
    ],
    [
      "spaces at a line's end",
      "\treturn a - b; \n}",
      "it is at lines 13 to 14 but for white space at line ends; the file has\n13\t\treturn a - b;\n14\t}",
    ],
    [
      "a blank line too many at the end",
      "\treturn a - b;\n}\n\n",
      "it is at lines 13 to 14 but for white space at the start or end of old_text; the file has\n13\t\treturn a - b;\n14\t}",
    ],
    [
      "spaces within a line",
      "if ( a > b ) {",
      "it is at line 6 but for white space within lines; the file has\n6\t\tif (a > b) {",
    ],
    [
      "lines joined",
      "{ return a + b; }",
      "it is at lines 6 to 8 but for line breaks; the file has\n6\t\tif (a > b) {\n7\t\t\treturn a + b;\n8\t\t}",
    ],
    [
      "other quotes",
      "from 'y'",
      'it is at line 1 but for quotes, dashes or unusual spaces; the file has\n1\timport x from "y";',
    ],
    [
      "curly quotes",
      "from “y”",
      'it is at line 1 but for quotes, dashes or unusual spaces; the file has\n1\timport x from "y";',
    ],
    ["letter case", "/** adds. */", "it is at line 3 but for letter case; the file has\n3\t/** Adds. */"],
    [
      "read_file's numbers",
      "5\t\tconst timeoutMs = 5_000;\n6\t\tif (a > b) {",
      "it is there without the line numbers of read_file; leave them out of new_text too",
    ],
    [
      "one backslash too many",
      "\\treturn a - b;\\n}",
      "it is there with a backslash less: send newlines, tabs, quotes and backslashes as they are in the file",
    ],
    [
      "a changed line alone",
      "const timeout = 5000;",
      "the closest is line 5; the file has\n5\t\tconst timeoutMs = 5_000;",
    ],
    [
      "one changed line of several",
      "export function sub(a: number, b: number): number {\n\treturn b - a;\n}",
      "the closest is lines 12 to 14, different in line 13; the file has\n13\t\treturn a - b;",
    ],
    [
      "a line too many",
      "export function sub(a: number, b: number): number {\n\t// subtracts\n\treturn a - b;\n}",
      "the closest is lines 11 to 14, different in lines 11 to 12; the file has\n11\t\n12\texport function sub(a: number, b: number): number {",
    ],
    [
      "a line missing",
      "\tif (a > b) {\n\t\treturn a + b;\n\treturn b;\n}",
      "the closest is lines 6 to 9, different in lines 8 to 9; the file has\n8\t\t}\n9\t\treturn b;",
    ],
    [
      "nothing of it",
      "unlike whatever is in here",
      "nothing in the file is like it; read the file and copy the text exactly",
    ],
    ["white space alone", " \n ", "nothing in the file is like it; read the file and copy the text exactly"],
    [
      "signs that are everywhere",
      "}}}",
      "nothing in the file is like it; read the file and copy the text exactly",
    ],
  ])("%s", (_, sought, answer) => {
    expect(FILE.includes(sought)).toBe(false);
    expect(nearMiss(FILE, sought)).toBe(answer);
  });
});

test("an edit that was made before is recognized", () => {
  const edit = { old_text: "const waitMs = 1;", new_text: "const timeoutMs = 5_000;" };
  expect(editedText(FILE, [edit])).toMatchObject({
    kind: "refused",
    why: expect.stringContaining("0 matches of old_text; new_text is there already, at line 5; "),
  });
});

test("a place deep in a long line is shown, not the whole line", () => {
  const file = Buffer.from(`${"x".repeat(50_000)} const a = "b"; ${"y".repeat(50_000)}`);
  expect(nearMiss(file, "const  a = 'b'; yy")).toBe(
    'it is at line 1 but for quotes, dashes or unusual spaces; the file has\n1\tconst a = "b"; yy',
  );
});

describe("the largest file is searched in bounded time and answered in bounded length:", () => {
  const MIB = 1_048_576;
  const WORDS = Array.from(
    { length: 330_000 },
    (_, at) => `line ${at} with some words and a value of ${at * 7}`,
  );
  test.each<[string, Buffer, string, string]>([
    [
      "a changed line of many",
      Buffer.from(WORDS.join("\n")),
      "line 300000 with some word and the value of 2100000",
      "the closest is line 300001;",
    ],
    [
      "a long text",
      Buffer.from(WORDS.join("\n")),
      `${WORDS.slice(100, 4_000).join("\n")}!`,
      "the closest is lines 101 to 4000, different in line 4000; the file has\n4000\tline 3999",
    ],
    ["blank lines", Buffer.alloc(16 * MIB, "\n"), "\n\nx", "nothing in the file"],
    ["CRLF lines", Buffer.from("\r\n".repeat(8 * MIB)), "x\ny", "nothing in the file"],
    ["one letter", Buffer.alloc(16 * MIB, "a"), `${"a".repeat(MIB)}b`, "the closest is line 1;"],
    [
      "one letter in capitals",
      Buffer.alloc(16 * MIB, "a"),
      "A".repeat(MIB),
      "it is at line 1 but for letter case;",
    ],
    [
      "long lines of the same words",
      Buffer.from(`${"x y z ".repeat(1_000)}\n`.repeat(2_700)),
      `${"x y z ".repeat(1_000)}q\n`.repeat(300),
      "the closest is lines 2695 to 2700;",
    ],
  ])("%s", (_, file, sought, answer) => {
    const startedMs = performance.now();
    const edited = editedText(file, [{ old_text: sought, new_text: "n" }]);
    const tookMs = performance.now() - startedMs;
    const why = edited.kind === "refused" ? edited.why : "";
    expect(why).toContain(answer);
    expect(why.length).toBeLessThan(8_000);
    // A second on a slow machine with others at work on it; a quadratic search would take hours.
    expect(tookMs).toBeLessThan(10_000);
  });
});
