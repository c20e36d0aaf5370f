import { describe, expect, test } from "bun:test";
import { closeSync, openSync, symlinkSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { ToolRig } from "../testing/tool-rig.ts";
import { readFileTool } from "./tool-read-file.ts";

async function read(content: string | Uint8Array, args: object = {}): Promise<string> {
  using rig = await ToolRig.create();
  writeFileSync(rig.checkout.path("f"), content);
  return (await rig.call(readFileTool, { path: "f", ...args })).output;
}
const THREE = "one\ntwo\nthree\n";

describe("a text file", () => {
  test("is shown with line numbers, and nothing else when all of it is", async () => {
    expect(await read(THREE)).toBe("1\tone\n2\ttwo\n3\tthree");
  });

  test.each<[object, string]>([
    [{ start: 2 }, "2\ttwo\n3\tthree\n[lines 2 to 3 of 3]"],
    [{ start: 2, lines: 1 }, "2\ttwo\n[lines 2 to 2 of 3]"],
    [{ lines: 2 }, "1\tone\n2\ttwo\n[lines 1 to 2 of 3]"],
    [{ start: 0, lines: "1" }, "1\tone\n[lines 1 to 1 of 3]"],
    [{ offset: 3, limit: 9 }, "3\tthree\n[lines 3 to 3 of 3]"],
    [{ start: 4 }, "[the file has 3 lines]"],
    [{ lines: 0 }, "error: read_file: `lines` must be of type integer from 1, not 0"],
  ])("in the range %j", async (args, output) => {
    expect(await read(THREE, args)).toBe(output);
  });

  test("that is empty, or only a blank line, is told apart", async () => {
    expect(await read("")).toBe("[the file is empty]");
    expect(await read("\n")).toBe("1\t");
    expect(await read("\uFEFF")).toBe("[the file is empty but for its byte order mark]");
  });

  test("says once how its lines end, when not in the plain way", async () => {
    expect(await read("a\r\nb\r\n")).toBe("1\ta\n2\tb\n[CRLF line endings, which edit_file keeps]");
    expect(await read("a\r\nb\nc\n")).toBe(
      "1\ta\n2\tb\n3\tc\n[mixed line endings: 1 of these lines end with CRLF]",
    );
    expect(await read("a\nb")).toBe("1\ta\n2\tb\n[no newline at the end of the file]");
    expect(await read("\uFEFFa\n")).toBe("1\ta\n[byte order mark]");
  });

  test("with more than one answer holds is shown from its start, and says how to go on", async () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at + 1} ${"x".repeat(40)}`);
    const output = await read(lines.join("\n"));
    expect(Buffer.byteLength(output)).toBeLessThan(24_000);
    const [, last, next] =
      /\[lines 1 to (\d+) of 5000, as many as fit; go on with start (\d+)\]$/.exec(output) ?? [];
    expect(Number(next)).toBe(Number(last) + 1);
    const more = await read(lines.join("\n"), { start: next });
    expect(more).toStartWith(`${next}\tline ${next} x`);
  });

  test("has a long line shortened, of which more is shown when it is asked for alone", async () => {
    const content = `short\n${"äb".repeat(20_000)}\nend\n`;
    const output = await read(content);
    expect(output).toBe(
      `1\tshort\n2\t${"äb".repeat(666)}ä… [+58000 bytes]\n3\tend\n[line 2 was shortened; with lines 1 more of it is shown]`,
    );
    const alone = await read(content, { start: 2, lines: 1 });
    expect(alone).toContain(`2\t${"äb".repeat(6_666)}ä… [+40000 bytes]`);
    expect(alone).toContain("sed -n 2p FILE | cut -b 20001-40000");
  });

  test("cut in the middle of a character leaves the character out", async () => {
    expect(await read(`a${"ä".repeat(2_000)}\n`)).toStartWith(`1\ta${"ä".repeat(999)}… [+2002 bytes]\n`);
  });
});

describe("a file that is not plain UTF-8", () => {
  test("with a NUL is binary", async () => {
    expect(await read("abc\0def")).toBe("error: f is binary (7 bytes); look at it with bash");
  });

  test("in Latin-1 is shown as far as it is text, with a note", async () => {
    expect(await read(Buffer.from("caf\xe9\nbar\n", "latin1"))).toBe(
      "1\tcaf�\n2\tbar\n[bytes that are no text are shown as �]",
    );
  });

  test("has a NUL far behind its start replaced, with a note", async () => {
    const output = await read(`${"x\n".repeat(5_000)}a\0b\n`, { start: 5_001 });
    expect(output).toBe("5001\ta�b\n[lines 5001 to 5001 of 5001; bytes that are no text are shown as �]");
  });

  test.each(["utf-16le", "utf-16be"])("in %s with its mark is decoded", async (encoding) => {
    const bytes = Buffer.from("\uFEFFgrüße\r\nzwei\r\n", "utf16le");
    expect(await read(encoding === "utf-16be" ? bytes.swap16() : bytes)).toBe(
      `1\tgrüße\n2\tzwei\n[CRLF line endings, which edit_file keeps; ${encoding.toUpperCase()}, shown as UTF-8]`,
    );
  });
});

describe("a file larger than what is taken in whole", () => {
  const LINE = `${"x".repeat(99)}\n`;
  const MIB = 1_048_576;

  test("is read in parts, without the number of its lines", async () => {
    using rig = await ToolRig.create();
    const path = rig.checkout.path("huge");
    writeFileSync(path, LINE.repeat((20 * MIB) / 100));
    expect((await rig.call(readFileTool, { path: "huge", start: 200_000, lines: 2 })).output).toBe(
      `200000\t${"x".repeat(99)}\n200001\t${"x".repeat(99)}\n[lines 200000 to 200001 of a file of 20971500 bytes]`,
    );
    expect((await rig.call(readFileTool, { path: "huge", start: 300_000 })).output).toBe(
      "[the file has 209715 lines]",
    );
  });

  test("takes no more memory than it shows, be it one line", async () => {
    using rig = await ToolRig.create();
    const path = rig.checkout.path("huge");
    const file = openSync(path, "w");
    for (let written = 0; written < 256; written++) writeSync(file, Buffer.alloc(MIB, "y"));
    closeSync(file);
    const before = process.memoryUsage().rss;
    const { output, truncated } = await rig.call(readFileTool, { path: "huge" });
    expect(output).toStartWith(`1\t${"y".repeat(2_000)}… [+${256 * MIB - 2_000} bytes]`);
    expect(truncated).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  });

  test("is not searched for a line for ever", async () => {
    using rig = await ToolRig.create();
    const path = rig.checkout.path("huge");
    writeFileSync(path, LINE.repeat(100)); // past the start, where it would count as binary, it is a hole
    truncateSync(path, 1_024 * MIB);
    const { output } = await rig.call(readFileTool, { path: "huge", start: 200 });
    expect(output).toBe("[line 200 is not within the first 536870912 of 1073741824 bytes; use bash]");
  }, 30_000);

  test("is let go of when the run is aborted", async () => {
    using rig = await ToolRig.create();
    writeFileSync(rig.checkout.path("huge"), LINE.repeat(10_000));
    rig.abort.abort();
    expect((await rig.call(readFileTool, { path: "huge" })).output).toBe("error: aborted");
  });
});

describe("PI-09 what is no file of the checkout is refused without being opened for long:", () => {
  test.each<[string, (rig: ToolRig) => void, string]>([
    ["/proc/self/environ", () => {}, "leads outside"],
    ["/proc/1/cmdline", () => {}, "leads outside"],
    ["../home/../../../../etc/passwd", () => {}, "leads outside"],
    ["/dev/zero", () => {}, "leads outside"],
    ["link", (rig) => symlinkSync("/proc/self/environ", rig.checkout.path("link")), "leads outside"],
    ["up/etc/passwd", (rig) => symlinkSync("/", rig.checkout.path("up")), "leads outside"],
    ["device", (rig) => symlinkSync("/dev/zero", rig.checkout.path("device")), "leads outside"],
    ["loop", (rig) => symlinkSync("loop", rig.checkout.path("loop")), "error: "],
    ["pipe", (rig) => Bun.spawnSync(["mkfifo", rig.checkout.path("pipe")]), "not a regular file"],
    [".git", () => {}, ".git is a folder"],
    ["a\0b", () => {}, "holds a NUL"],
    ["", () => {}, "the path is empty"],
    ["README.md/x", () => {}, "a part of README.md/x is a file, not a folder"],
  ])("%j", async (path, prepare, why) => {
    using rig = await ToolRig.create();
    prepare(rig);
    const { output } = await rig.call(readFileTool, { path });
    expect(output).toStartWith("error: ");
    expect(output).toContain(why);
    expect(output).not.toContain("root:");
  });
});

test("a link within the checkout is followed", async () => {
  using rig = await ToolRig.create();
  symlinkSync("README.md", rig.checkout.path("link"));
  expect((await rig.call(readFileTool, { path: "link" })).output).toBe("1\ta project");
});

test("a name that does not exist is answered with those that are like it", async () => {
  using rig = await ToolRig.create();
  expect((await rig.call(readFileTool, { path: "readme.txt" })).output).toBe(
    "error: readme.txt does not exist; there is README.md",
  );
  expect((await rig.call(readFileTool, { path: "no/such" })).output).toBe("error: no/such does not exist");
});

test("kept outputs can be read, though they are not in the checkout", async () => {
  using rig = await ToolRig.create();
  const cut = rig.outputs.cut(`${"y\n".repeat(20_000)}the end\n`).text;
  const path = /\/\S+\.txt/.exec(cut)?.[0];
  expect((await rig.call(readFileTool, { path, start: 20_001 })).output).toStartWith("20001\tthe end");
  using other = tempDir();
  writeFileSync(`${other.path}/f`, "x");
  expect((await rig.call(readFileTool, { path: `${other.path}/f` })).output).toContain("leads outside");
});
