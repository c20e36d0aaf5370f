import { expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ToolRig } from "../testing/tool-rig.ts";
import { listFilesTool } from "./tool-list-files.ts";

async function rigWith(paths: readonly string[]): Promise<ToolRig> {
  const rig = await ToolRig.create();
  for (const folder of new Set(paths.map((path) => dirname(path))))
    mkdirSync(rig.checkout.path(folder), { recursive: true });
  for (const path of paths) writeFileSync(rig.checkout.path(path), "");
  return rig;
}
const list = async (rig: ToolRig, args: object = {}) => (await rig.call(listFilesTool, args)).output;

test("a small tree is listed whole: new files too, removed and ignored ones not, links with their aim", async () => {
  using rig = await rigWith(["a/b/c.ts", "a/gone", ".gitignore", "out/x", "kept.log"]);
  writeFileSync(rig.checkout.path(".gitignore"), "out/\n*.log\n");
  symlinkSync("a/b", rig.checkout.path("link"));
  await rig.checkout.git("add", "-f", "kept.log", "a/gone");
  rmSync(rig.checkout.path("a/gone"));
  expect(await list(rig)).toBe(".gitignore\nREADME.md\na/b/c.ts\nkept.log\nlink -> a/b");
  expect(await list(rig, { path: "a" })).toBe("a/b/c.ts");
  expect(await list(rig, { path: "out" })).toBe("out/x");
});

test("depth and glob narrow the list", async () => {
  using rig = await rigWith(["src/a.ts", "src/deep/b.ts", "src/deep/c.md", "d.ts"]);
  expect(await list(rig, { depth: 1 })).toBe(
    "README.md\nd.ts\nsrc/ (3 files)\n[3 of 5 files are not named; narrow with path or glob]",
  );
  expect(await list(rig, { depth: 2, path: "src" })).toBe("src/a.ts\nsrc/deep/b.ts\nsrc/deep/c.md");
  expect(await list(rig, { glob: "*.ts" })).toBe("d.ts\nsrc/a.ts\nsrc/deep/b.ts");
  expect(await list(rig, { glob: "*.py" })).toBe("no files");
});

test("a tree of 3,000 files gives an overview that counts them all", async () => {
  const paths = ["package.json", "docs/guide.md"];
  for (let at = 0; at < 3_000; at++) paths.push(`packages/p${at % 25}/src/m${at % 500}/file-${at}.ts`);
  using rig = await rigWith(paths);
  const { output, truncated } = await rig.call(listFilesTool, {});
  const [note = "", ...lines] = output.split("\n").reverse();
  expect(lines.length).toBeLessThanOrEqual(200);
  expect(output.length).toBeLessThan(10_000);
  expect(lines).toContain("docs/guide.md");
  expect(lines).toContain("packages/p7/src/ (120 files)");
  const counts = lines.map((line) => Number(/ \((\d+) files\)$/.exec(line)?.[1] ?? 0));
  const named = counts.filter((count) => count === 0).length;
  const unnamed = counts.reduce((sum, count) => sum + count, 0);
  expect(named + unnamed).toBe(3_003);
  expect(note).toBe(`[${unnamed} of 3003 files are not named; narrow with path or glob]`);
  expect(truncated).toBe(true);
  expect(await list(rig, { path: "packages/p7/src/m7" })).toContain("packages/p7/src/m7/file-7.ts");
}, 30_000);

test("a folder with too many files of its own is cut, and says so", async () => {
  using rig = await rigWith(Array.from({ length: 500 }, (_, at) => `f${String(at).padStart(3, "0")}`));
  const lines = (await list(rig)).split("\n");
  expect(lines.slice(0, 2)).toEqual(["README.md", "f000"]);
  expect(lines.at(-1)).toBe("[301 of 501 files are not named; narrow with path or glob]");
});

test("where there is no repository everything but .git is listed, empty folders too", async () => {
  using rig = await rigWith(["a/b", "node_modules/x/y"]);
  mkdirSync(rig.checkout.path("empty"));
  rmSync(rig.checkout.path(".git"), { recursive: true });
  writeFileSync(rig.checkout.path(".git"), "gitdir: /nowhere\n");
  expect(await list(rig)).toBe("README.md\na/b\nempty/\nnode_modules/x/y");
});

test("names of any kind are one line each; places outside and files get an answer", async () => {
  using rig = await rigWith(["with space", "with\nbreak", "ünïcode", '"quoted"']);
  expect(await list(rig)).toBe('"quoted"\nREADME.md\nwith?break\nwith space\nünïcode');
  expect(await list(rig, { path: ".." })).toContain("leads outside");
  expect(await list(rig, { path: "README.md" })).toBe("error: README.md is a file; use read_file");
  expect(await list(rig, { path: "nothing" })).toBe("error: nothing does not exist");
});
