import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ToolRig } from "../testing/tool-rig.ts";
import { writeFileTool } from "./tool-write-file.ts";

test("a file is created with its folders, and says so", async () => {
  using rig = await ToolRig.create();
  expect((await rig.call(writeFileTool, { path: "a/b/c.txt", content: "grüße\n" })).output).toBe(
    "created a/b/c.txt, 8 bytes",
  );
  expect(readFileSync(rig.checkout.path("a/b/c.txt"), "utf8")).toBe("grüße\n");
});

test("a file is replaced in its place: mode and hard links stay, and the content is as given", async () => {
  using rig = await ToolRig.create();
  const path = rig.checkout.path("run.sh");
  writeFileSync(path, "\uFEFF#!/bin/sh\r\necho a longer text\r\n");
  chmodSync(path, 0o755);
  linkSync(path, rig.checkout.path("twin.sh"));
  expect((await rig.call(writeFileTool, { path: "run.sh", content: "#!/bin/sh\n" })).output).toBe(
    "replaced run.sh, 10 bytes, 34 before",
  );
  expect(readFileSync(rig.checkout.path("twin.sh"), "utf8")).toBe("#!/bin/sh\n");
  expect(statSync(path).mode & 0o777).toBe(0o755);
});

test("an empty content makes an empty file, and a longer one replaces a shorter one", async () => {
  using rig = await ToolRig.create();
  expect((await rig.call(writeFileTool, { path: "e", content: "" })).output).toBe("created e, 0 bytes");
  expect((await rig.call(writeFileTool, { path: "e", content: "more" })).output).toBe(
    "replaced e, 4 bytes, 0 before",
  );
  expect((await rig.call(writeFileTool, { path: "e", content: "" })).output).toBe(
    "replaced e, 0 bytes, 4 before",
  );
  expect(readFileSync(rig.checkout.path("e"), "utf8")).toBe("");
});

test("a link within the checkout is written through, and stays a link", async () => {
  using rig = await ToolRig.create();
  symlinkSync("README.md", rig.checkout.path("link"));
  await rig.call(writeFileTool, { path: "link", content: "new\n" });
  expect(lstatSync(rig.checkout.path("link")).isSymbolicLink()).toBe(true);
  expect(readFileSync(rig.checkout.path("README.md"), "utf8")).toBe("new\n");
});

describe("PI-09 nothing is written", () => {
  test.each<[string, string, (rig: ToolRig) => void]>([
    ["outside", "../escape", () => {}],
    ["outside by its full path", "/tmp/windshift-write-escape", () => {}],
    ["to /proc", "/proc/self/comm", () => {}],
    ["through a link to a folder outside", "up/escape", (rig) => symlinkSync("..", rig.checkout.path("up"))],
    ["through a link to nowhere", "gone", (rig) => symlinkSync("../escape", rig.checkout.path("gone"))],
    ["to a device", "null", (rig) => symlinkSync("/dev/null", rig.checkout.path("null"))],
    ["to a pipe nobody reads", "pipe", (rig) => Bun.spawnSync(["mkfifo", rig.checkout.path("pipe")])],
    ["over a folder", "folder", (rig) => mkdirSync(rig.checkout.path("folder"))],
    ["below a file", "README.md/x", () => {}],
    ["to the checkout itself", ".", () => {}],
  ])("%s", async (_, path, prepare) => {
    using rig = await ToolRig.create();
    prepare(rig);
    const before = readdirSync(join(rig.checkout.dir, "..")).sort();
    expect((await rig.call(writeFileTool, { path, content: "x" })).output).toStartWith("error: ");
    expect(readdirSync(join(rig.checkout.dir, "..")).sort()).toEqual(before);
    expect(existsSync("/tmp/windshift-write-escape")).toBe(false);
  });
});

describe("when the disk takes no more", () => {
  /** Calls the tool in a process that may not make a file larger than 8 KiB. */
  function writeConfined(rig: ToolRig, path: string, bytes: number): string {
    const script = `
      import { OutputStore } from ${JSON.stringify(join(import.meta.dir, "output-store.ts"))};
      import { Workspace } from ${JSON.stringify(join(import.meta.dir, "workspace.ts"))};
      import { writeFileTool } from ${JSON.stringify(join(import.meta.dir, "tool-write-file.ts"))};
      const outputs = new OutputStore();
      const workspace = Workspace.open(${JSON.stringify(rig.checkout.dir)}, outputs.dirs);
      const context = { workspace, outputs, images: false, env: () => ({}), signal: AbortSignal.timeout(10_000), progress() {} };
      const args = { path: ${JSON.stringify(path)}, content: "n".repeat(${bytes}) };
      process.stdout.write((await writeFileTool.call(args, context)).output);`;
    const limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$0" -e "$1"', process.execPath, script];
    const { stdout, stderr } = Bun.spawnSync(limited, { env: { PATH: process.env.PATH ?? "" } });
    return stdout.toString() + stderr.toString();
  }

  test("a file has its old content again, every byte and no more", async () => {
    using rig = await ToolRig.create();
    const old = "o".repeat(5_000);
    writeFileSync(rig.checkout.path("f"), old);
    expect(writeConfined(rig, "f", 20_000)).toBe("error: no space left for f");
    expect(readFileSync(rig.checkout.path("f"), "utf8")).toBe(old);
    expect(writeConfined(rig, "f", 8_000)).toBe("replaced f, 8000 bytes, 5000 before");
  });

  test("a new file is not left behind in part", async () => {
    using rig = await ToolRig.create();
    expect(writeConfined(rig, "f", 20_000)).toBe("error: no space left for f");
    expect(existsSync(rig.checkout.path("f"))).toBe(false);
  });
});
