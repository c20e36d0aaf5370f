import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ToolRig } from "../testing/tool-rig.ts";
import { grepTool } from "./tool-grep.ts";

/** A folder with git alone: what an image without ripgrep has. */
function gitOnly(rig: ToolRig): string {
  const dir = `${rig.checkout.home}/bin`;
  mkdirSync(dir, { recursive: true });
  symlinkSync(Bun.which("git") ?? "", `${dir}/git`);
  return dir;
}

const ENGINES = {
  ripgrep: (_rig: ToolRig) => {
    if (Bun.which("rg") === null)
      throw new Error("ripgrep is missing: install the package ripgrep, or run npm test, which does");
    return process.env.PATH ?? "";
  },
  git: gitOnly,
};

for (const [name, pathOf] of Object.entries(ENGINES))
  describe(`with ${name}`, () => {
    async function rigWith(files: Record<string, string | Uint8Array>): Promise<ToolRig> {
      const rig = await ToolRig.create();
      rig.env = { PATH: pathOf(rig) };
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(rig.checkout.path(path)), { recursive: true });
        writeFileSync(rig.checkout.path(path), content);
      }
      return rig;
    }
    const grep = async (rig: ToolRig, args: object) => (await rig.call(grepTool, args)).output;

    test("matches are told with path and line, sorted, those of files not added yet too", async () => {
      using rig = await rigWith({
        "b/x.ts": "one\ntwo needle\n",
        "a.ts": "needle\n",
        ".hidden": "a needle\n",
      });
      await rig.checkout.git("add", "a.ts");
      expect(await grep(rig, { pattern: "needle" })).toBe(
        ".hidden:1:a needle\na.ts:1:needle\nb/x.ts:2:two needle",
      );
      expect(await grep(rig, { pattern: "absent" })).toBe("no matches");
    });

    test("ignored files are left out unless named, those in the repository are found, and .git never is", async () => {
      using rig = await rigWith({
        ".gitignore": "out/\n*.log\n",
        "out/deep/x": "needle\n",
        "stray.log": "needle\n",
        "kept.log": "needle\n",
        ".ignore": "src\n",
        "src/a": "needle\n",
      });
      writeFileSync(rig.checkout.path(".git/info/exclude"), "private\n");
      writeFileSync(rig.checkout.path("private"), "needle\n");
      writeFileSync(rig.checkout.path(".git/needle"), "needle\n");
      await rig.checkout.git("add", "-f", "kept.log");
      expect(await grep(rig, { pattern: "needle" })).toBe("kept.log:1:needle\nsrc/a:1:needle");
      expect(await grep(rig, { pattern: "needle", path: "out" })).toBe("out/deep/x:1:needle");
      expect(await grep(rig, { pattern: "needle", path: "stray.log" })).toBe("stray.log:1:needle");
      expect(await grep(rig, { pattern: "needle", path: ".git" })).toContain(
        "insides of .git are not searched",
      );
      rmSync(rig.checkout.path("kept.log"));
      expect(await grep(rig, { pattern: "needle", glob: "*.log" })).toBe("no matches");
    });

    test("a glob is a name in any folder, a path, alternatives, or what to leave out", async () => {
      const paths = ["a.ts", "src/b.ts", "src/b.test.ts", "src/deep/c.tsx", "lib/src/d.js"];
      using rig = await rigWith(Object.fromEntries(paths.map((path) => [path, "needle\n"])));
      const found = async (glob: string, path?: string) =>
        (await grep(rig, { pattern: "needle", glob, path })).split("\n").map((line) => line.split(":")[0]);
      expect(await found("*.ts")).toEqual(["a.ts", "src/b.test.ts", "src/b.ts"]);
      expect(await found("*.{js,tsx}")).toEqual(["lib/src/d.js", "src/deep/c.tsx"]);
      expect(await found("src/**")).toEqual(["src/b.test.ts", "src/b.ts", "src/deep/c.tsx"]);
      expect(await found("**/src/*.js")).toEqual(["lib/src/d.js"]);
      expect(await found("!*.test.ts", "src")).toEqual(["src/b.ts", "src/deep/c.tsx"]);
      expect(await found("deep/*", "src")).toEqual(["src/deep/c.tsx"]);
      expect(await found("*.py")).toEqual(["no matches"]);
    });

    test("context is marked, overlapping groups are one, and groups are kept apart", async () => {
      using rig = await rigWith({ f: "1\nx\n3\nx\n5\n6\n7\n8\nx\n" });
      expect(await grep(rig, { pattern: "x", context: 1 })).toBe(
        "f-1-1\nf:2:x\nf-3-3\nf:4:x\nf-5-5\n--\nf-8-8\nf:9:x",
      );
    });

    test("what is beyond the limit is counted, with where it is and how to narrow", async () => {
      using rig = await rigWith({ a: "x\n".repeat(5), b: "x\n".repeat(30), c: "x\n" });
      expect(await grep(rig, { pattern: "x", limit: 4 })).toBe(
        "a:1:x\na:2:x\na:3:x\na:4:x\n[32 more matches in 3 files, most in b (30), a (1), c (1); narrow with path, glob or a longer pattern, or raise limit]",
      );
    });

    test("expressions are Perl's: case, words of every script, look-around, ends before CRLF", async () => {
      using rig = await rigWith({ f: "Grüße an alle\r\nfoobar\r\nfoo 12\n" });
      expect(await grep(rig, { pattern: "GRÜSSE|GRÜßE", ignore_case: true })).toBe("f:1:Grüße an alle");
      expect(await grep(rig, { pattern: "GRÜßE" })).toBe("no matches");
      expect(await grep(rig, { pattern: "^\\w+ an alle$" })).toBe("f:1:Grüße an alle");
      expect(await grep(rig, { pattern: "foo(?!bar)" })).toBe("f:3:foo 12");
      expect(await grep(rig, { pattern: "(?<=o) \\d+$" })).toBe("f:3:foo 12");
      expect(await grep(rig, { pattern: "-e" })).toBe("no matches");
      expect(await grep(rig, { pattern: "(" })).toMatch(/^error: grep failed: .*parenthes/);
      expect(await grep(rig, { pattern: "" })).toStartWith("error: the pattern must not be empty");
    });

    test("of a long line the part around the match is shown", async () => {
      const line = `${"é".repeat(100_000)}needle${"€".repeat(100_000)}`;
      using rig = await rigWith({ "bundle.js": `${line}\nshort needle\n` });
      const [first = "", second] = (await grep(rig, { pattern: "needle" })).split("\n");
      expect(first).toMatch(/^bundle\.js:1:…é+needle€+… \[line of 500006 bytes\]$/);
      expect(first.length).toBeLessThan(300);
      expect(second).toBe("bundle.js:2:short needle");
    });

    test("a match far into a line is told by its place", async () => {
      using rig = await rigWith({ data: `start ${"x".repeat(2_000_000)} needle\n` });
      const output = await grep(rig, { pattern: "needle" });
      expect(output).toMatch(/^data:1:start x+… \[line of 2000013 bytes, the match is at byte 2000008\]$/);
    });

    test("long lines are kept as far as they are shown", async () => {
      const line = `needle${"x".repeat(1_000_000)}\n`;
      using rig = await rigWith({ bundle: line.repeat(400) });
      const before = process.memoryUsage().rss;
      const output = await grep(rig, { pattern: "needle", limit: 1 });
      expect(output).toContain("[399 more matches in 1 files");
      // The chunks that are read wait for the collector, which takes its time; the lines, 400 MB, are not kept.
      expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000);
    });

    test("binary files are counted, not shown; what attributes call binary is text all the same", async () => {
      using rig = await rigWith({
        ".gitattributes": "*.lock -diff\n",
        "a.lock": "needle\n",
        image: Buffer.from("\0\u0001needle\n"),
        "utf-16": Buffer.from("\ufeffneedle\n", "utf16le"),
        latin1: Buffer.from("caf\u00e9 needle\n", "latin1"),
      });
      expect(await grep(rig, { pattern: "needle" })).toBe(
        "a.lock:1:needle\nlatin1:1:caf\ufffd needle\n[1 binary files match too]",
      );
    });

    test("links are not followed, nor names with wildcards or spaces misread", async () => {
      using rig = await rigWith({ "[a]*/with space.ts": "needle\n", "a/x.ts": "needle\n", "-n": "needle\n" });
      symlinkSync("a", rig.checkout.path("link"));
      expect(await grep(rig, { pattern: "needle", path: "[a]*", glob: "*.ts" })).toBe(
        "[a]*/with space.ts:1:needle",
      );
      expect(await grep(rig, { pattern: "needle" })).toBe(
        "-n:1:needle\n[a]*/with space.ts:1:needle\na/x.ts:1:needle",
      );
      expect(await grep(rig, { pattern: "needle", path: "-n" })).toBe("-n:1:needle");
    });

    test("a pattern that explodes ends soon, with matches or a reason", async () => {
      using rig = await rigWith({ f: `${"a".repeat(5_000)}b\n` });
      const startedMs = performance.now();
      const output = await grep(rig, { pattern: "(?=a)^(a|aa)+$" });
      expect(output).toBe(
        "error: the pattern tries too many ways on one line (nested repeats such as (a+)+); write it simpler",
      );
      expect(await grep(rig, { pattern: "^(a|aa)+$" })).toMatch(/^(no matches$|error: the pattern tries)/);
      expect(performance.now() - startedMs).toBeLessThan(10_000);
    });

    test("a line that needs more stack than compiled expressions have is searched all the same", async () => {
      using rig = await rigWith({ f: `${"ab".repeat(50_000)}c\n` });
      const output = await grep(rig, { pattern: "^(?=a)(?:a|(b))+c$" });
      expect(output).toStartWith("f:1:abab");
    });

    test("a search that matches everything is stopped, and stays small", async () => {
      using rig = await rigWith({ a: "x\n".repeat(60_000) });
      const { output, truncated } = await rig.call(grepTool, { pattern: "x", limit: 1_000 });
      expect(output).toContain("[at least 19000 more matches in 1 files");
      expect(output).toContain("[stopped: far too many matches");
      expect(Buffer.byteLength(output)).toBeLessThan(25_000);
      expect(truncated).toBe(false);
    });

    test("kept outputs can be searched, other places outside the checkout cannot", async () => {
      using rig = await rigWith({});
      const { text } = rig.outputs.cut(`${"filler\n".repeat(10_000)}needle\n`);
      const kept = /in (\S+) \.\.\.\]/.exec(text)?.[1] ?? "";
      expect(await grep(rig, { pattern: "needle", path: kept })).toBe(`${kept}:10001:needle`);
      expect(await grep(rig, { pattern: "root", path: "/etc/passwd" })).toContain("leads outside");
      expect(await grep(rig, { pattern: "root", path: "nothing-here" })).toBe(
        "error: nothing-here does not exist",
      );
    });

    test("a checkout whose repository is broken can still be searched", async () => {
      using rig = await rigWith({ "src/a": "needle\n" });
      rmSync(rig.checkout.path(".git"), { recursive: true });
      writeFileSync(rig.checkout.path(".git"), "gitdir: /nowhere\n");
      expect(await grep(rig, { pattern: "needle" })).toBe("src/a:1:needle");
    });

    test("an abort ends the search", async () => {
      using rig = await rigWith({ a: "needle\n" });
      rig.abort.abort();
      expect(await grep(rig, { pattern: "needle" })).toContain("stopped");
    });
  });
