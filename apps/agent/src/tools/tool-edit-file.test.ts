import { describe, expect, test } from "bun:test";
import { chmodSync, linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { ToolRig } from "../testing/tool-rig.ts";
import { editFileTool } from "./tool-edit-file.ts";

/** What the file holds after the call, as text where every byte is a letter, and what the tool said. */
async function edit(content: string | Uint8Array, args: object): Promise<{ now: string; output: string }> {
  using rig = await ToolRig.create();
  const path = rig.checkout.path("f");
  writeFileSync(path, content);
  const { output } = await rig.call(editFileTool, { path: "f", ...args });
  return { now: readFileSync(path, "latin1"), output };
}
const change = (old_text: string, new_text: string, all?: boolean) => ({
  edits: [{ old_text, new_text, all }],
});

describe("an edit", () => {
  test("replaces its one match, and says in which line", async () => {
    expect(await edit("a\nb\nc\n", change("b", "B"))).toEqual({
      now: "a\nB\nc\n",
      output: "replaced 1 match in f, line 2",
    });
  });

  test("replaces every match when told so, with the lines as they are numbered then", async () => {
    expect(await edit("x\nx\nx\n", change("x", "y\nz", true))).toEqual({
      now: "y\nz\ny\nz\ny\nz\n",
      output: "replaced 3 matches in f, line 1, 3, 5",
    });
    const many = await edit("x\n".repeat(30), change("x", "y", true));
    expect(many.output).toBe("replaced 30 matches in f, line 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 …");
  });

  test.each<[string, object]>([
    ["beside the path", { old_text: "b", new_text: "B" }],
    ["beside an empty list", { old_text: "b", new_text: "B", edits: [] }],
    ["without a list around it", { edits: { old_text: "b", new_text: "B" } }],
    ["as JSON text", { edits: '[{"old_text":"b","new_text":"B"}]' }],
    ["in the words of other harnesses", { old_string: "b", new_string: "B", replace_all: false }],
  ])("is taken when it is sent %s", async (_, args) => {
    expect((await edit("a\nb\n", args)).now).toBe("a\nB\n");
  });

  test("takes dollar signs and backslashes as they are", async () => {
    expect((await edit("a.b\n", change(".", "$&$1\\n"))).now).toBe("a$&$1\\nb\n");
  });

  test("may delete, and may empty the file", async () => {
    expect((await edit("a\nb\n", change("b\n", ""))).now).toBe("a\n");
    expect((await edit("a\n", change("a\n", ""))).now).toBe("");
  });
});

describe("several edits", () => {
  test("are all looked for in the file as it was, whatever their order", async () => {
    const { now, output } = await edit("one\ntwo\nthree\n", {
      edits: [
        { old_text: "three", new_text: "two" },
        { old_text: "two", new_text: "one" },
        { old_text: "one", new_text: "zero\nhalf" },
      ],
    });
    expect(now).toBe("zero\nhalf\none\ntwo\n");
    expect(output).toBe("replaced 3 matches in f, line 1, 3, 4");
  });

  test("swap two names", async () => {
    const edits = [
      { old_text: "left", new_text: "right", all: true },
      { old_text: "right", new_text: "left", all: true },
    ];
    expect((await edit("left right left\n", { edits })).now).toBe("right left right\n");
  });

  test("are made all or none, and every one that cannot be made is named", async () => {
    const edits = [
      { old_text: "a", new_text: "A" },
      { old_text: "b", new_text: "B" },
      { old_text: "nowhere to be found", new_text: "B" },
      { old_text: "", new_text: "B" },
    ];
    const { now, output } = await edit("a\nb\nb\n", { edits });
    expect(now).toBe("a\nb\nb\n");
    expect(output.split("\n")).toEqual([
      "error: f is unchanged: edits[1]: 2 matches of old_text, at lines 2, 3; add lines around it until it is unique, or set all",
      "edits[2]: 0 matches of old_text; nothing in the file is like it; read the file and copy the text exactly",
      "edits[3]: old_text is empty; copy the text to replace from the file",
    ]);
  });

  test("that overlap are refused, those that touch are not", async () => {
    const overlap = await edit("abcd\n", {
      edits: [change("bc", "x"), change("cd", "y")].flatMap((c) => c.edits),
    });
    expect(overlap.output).toBe(
      "error: f is unchanged: edits[0] and edits[1] overlap at line 1; put them in one edit",
    );
    const touch = await edit("abcd\n", {
      edits: [change("ab", "x"), change("cd", "y")].flatMap((c) => c.edits),
    });
    expect(touch.now).toBe("xy\n");
  });

  test("over a hundred are refused", async () => {
    const { output } = await edit("a\n", { edits: Array(101).fill({ old_text: "a", new_text: "b" }) });
    expect(output).toBe("error: f is unchanged: 101 edits are over 100; make several calls");
  });
});

describe("what the edit does not touch stays as it was:", () => {
  test.each<[string, string, [string, string], string]>([
    ["CRLF", "a\r\nb\r\nc\r\n", ["a\nb", "A\nX\nB"], "A\r\nX\r\nB\r\nc\r\n"],
    ["CRLF sent as CRLF", "a\r\nb\r\n", ["a\r\nb", "A\r\nB"], "A\r\nB\r\n"],
    ["CRLF at the edges of the match", "a\r\nb\r\nc\r\n", ["\nb\n", "\nB\n"], "a\r\nB\r\nc\r\n"],
    ["CRLF, deleting a line", "a\r\nb\r\nc\r\n", ["b\n", ""], "a\r\nc\r\n"],
    ["LF, though the model sends CRLF", "a\nb\n", ["a\r\nb", "x\r\ny"], "x\ny\n"],
    ["mixed endings, in a CRLF line", "a\r\nb\nc\r\n", ["c", "x\ny"], "a\r\nb\nx\r\ny\r\n"],
    ["mixed endings, in an LF line", "a\r\nb\nc\r\n", ["b", "x\ny"], "a\r\nx\ny\nc\r\n"],
    ["the last line of a CRLF file, without an end", "a\r\nb", ["b", "x\ny"], "a\r\nx\r\ny"],
    ["returns alone", "a\rb\nc\n", ["c", "x\ny"], "a\rb\nx\ny\n"],
    ["no newline at the end", "a\nb", ["b", "B"], "a\nB"],
  ])("%s", async (_, content, [old, now], after) => {
    expect((await edit(content, change(old, now))).now).toBe(after);
  });

  test("a byte order mark", async () => {
    expect((await edit("\uFEFFa\nb\n", change("a\n", "x\n"))).now).toBe("\xef\xbb\xbfx\nb\n");
  });

  test("bytes that are not UTF-8, as long as only ASCII is added", async () => {
    const latin1 = Buffer.from("caf\xe9 one\r\n", "latin1");
    expect((await edit(latin1, change("one", "two"))).now).toBe("caf\xe9 two\r\n");
    const refused = await edit(latin1, change("one", "zwölf"));
    expect(refused).toEqual({
      now: "caf\xe9 one\r\n",
      output: "error: f is unchanged: the file is not UTF-8, so new_text must be plain ASCII; use bash",
    });
  });

  test("mode, hard links, and the link the path is", async () => {
    using rig = await ToolRig.create();
    const path = rig.checkout.path("run.sh");
    writeFileSync(path, "echo one\n");
    chmodSync(path, 0o755);
    linkSync(path, rig.checkout.path("twin"));
    symlinkSync("run.sh", rig.checkout.path("link"));
    await rig.call(editFileTool, { path: "link", ...change("one", "two and more") });
    expect(readFileSync(rig.checkout.path("twin"), "utf8")).toBe("echo two and more\n");
    expect(statSync(path).mode & 0o777).toBe(0o755);
  });
});

describe("what cannot be edited is refused with the reason:", () => {
  test.each<[string, string | Uint8Array, object, string]>([
    [
      "the same texts",
      "a\n",
      change("a\r\n", "a\n"),
      "old_text and new_text are the same (line endings stay",
    ],
    [
      "matches one over the other",
      "aaa\n",
      change("aa", "b"),
      "old_text matches twice, one over the other, at line 1",
    ],
    ["a binary file", "a\0b", change("a", "b"), "f is binary; edit it with bash"],
    ["UTF-16", Buffer.from("\uFEFFa", "utf16le"), change("a", "b"), "f is UTF-16LE; edit it with bash"],
    ["no edits", "a\n", { edits: [] }, "edits is empty"],
    ["nothing", "a\n", {}, "`edits` (array) is missing"],
    [
      "a bad edit",
      "a\n",
      { edits: [{ old_text: "a", new_text: 5 }] },
      "`edits[0].new_text` must be of type string, not 5",
    ],
    [
      "too many matches",
      "a".repeat(100_001),
      change("a", "b", true),
      "over 100000 matches of old_text; use bash (sed)",
    ],
    [
      "growing without end",
      "a".repeat(50_000),
      change("a", "b".repeat(1_000), true),
      "would grow over 16777216 bytes",
    ],
    [
      "a file too large",
      Buffer.alloc(16_777_217, "a"),
      change("a", "b"),
      "has 16777217 bytes, over 16777216",
    ],
  ])("%s", async (_, content, args, why) => {
    const { now, output } = await edit(content, args);
    expect(output).toStartWith("error: ");
    expect(output).toContain(why);
    expect(Buffer.from(now, "latin1").equals(Buffer.from(content))).toBe(true);
  });

  test.each<[string, (rig: ToolRig) => void, string]>([
    ["no.md", () => {}, "no.md does not exist"],
    ["readme.md", () => {}, "readme.md does not exist; there is README.md"],
    [".git", () => {}, ".git is a folder"],
    ["/etc/passwd", () => {}, "leads outside"],
    ["etc/passwd", (rig) => symlinkSync("/etc", rig.checkout.path("etc")), "leads outside"],
    ["pipe", (rig) => Bun.spawnSync(["mkfifo", rig.checkout.path("pipe")]), "not a regular file"],
  ])("PI-09 %j", async (path, prepare, why) => {
    using rig = await ToolRig.create();
    prepare(rig);
    expect((await rig.call(editFileTool, { path, ...change("a", "b") })).output).toContain(why);
  });
});
