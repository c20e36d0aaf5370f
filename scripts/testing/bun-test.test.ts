import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bunTest } from "./bun-test.ts";
import { type Tally, tally, tallyLine } from "./tally.ts";

/** Real `bun test` processes over small files: what they report is what is under test. */
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "windshift-bun-test-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function count(
  files: Record<string, string>,
  skipsAllowed = true,
  options: { memoryBytesMax?: number } = {},
): Promise<Tally> {
  for (const [name, body] of Object.entries(files)) {
    writeFileSync(join(dir, name), `import { test, expect, describe } from "bun:test";\n${body}`);
  }
  const outcome = await bunTest(Object.keys(files), {
    cwd: dir,
    env: {},
    workers: 2,
    isolated: false,
    output: "ignore",
    ...options,
  });
  return tally(outcome, skipsAllowed);
}

describe("counting the tests of a process", () => {
  test("counts passing, failing and skipped tests, also inside describe", async () => {
    const body = `describe("d", () => {
      test("good <1> & 2", () => expect(1).toBe(1));
      test("bad", () => expect(1).toBe(2));
      test.${"skip"}("left out", () => {});
    });`;
    const counted = await count({ "a.test.ts": body, "b.test.ts": 'test("good", () => expect(1).toBe(1));' });
    expect(tallyLine(counted)).toBe("2 passed, 1 failed, 1 skipped");
    expect(counted.notes).toContain("failed: a.test.ts: d > bad");
  });

  test("counts a skipped test as a failure where skips are not allowed", async () => {
    const counted = await count({ "a.test.ts": `test.${"todo"}("later"); test("x", () => {});` }, false);
    expect(tallyLine(counted)).toBe("1 passed, 1 failed");
  });

  test("counts a file that cannot be loaded as a failure", async () => {
    const counted = await count({
      "a.test.ts": 'test("good", () => {});',
      "b.test.ts": 'test("never", () => {}); throw new Error("boom");',
    });
    expect(tallyLine(counted)).toBe("1 passed, 1 failed");
    expect(counted.notes.join()).toContain("b.test.ts");
  });

  test("counts a file without tests as a failure", async () => {
    expect(tallyLine(await count({ "a.test.ts": 'test("good", () => {});', "b.test.ts": "" }))).toBe(
      "1 passed, 1 failed",
    );
  });

  test("counts a process that exits 0 in the middle of a test as a failure", async () => {
    const counted = await count({ "a.test.ts": 'test("good", () => {}); test("x", () => process.exit(0));' });
    expect(counted.failed).toBeGreaterThan(0);
  });

  test("counts an error that nobody waits for as a failure", async () => {
    const counted = await count({
      "a.test.ts": `test("good", () => {}); setTimeout(() => { throw new Error("late"); }, 0);
        test("waits", () => new Promise((resolve) => setTimeout(resolve, 50)));`,
    });
    expect(counted.failed).toBeGreaterThan(0);
  });

  test("tells how long each file took, and starts the slowest first", async () => {
    const note =
      'const { appendFileSync, readFileSync } = require("node:fs"); appendFileSync("order", "NAME ");';
    // Two workers: whoever starts first waits for the other, so that neither is free for the third before both began.
    const meet = 'while (readFileSync("order", "utf8").split(" ").length < 3) await Bun.sleep(5);';
    const bodyOf = (name: string) =>
      `test("good", async () => { ${note.replace("NAME", name)} ${name === "a" ? "" : meet} });`;
    const files = ["a.test.ts", "b.test.ts", "c.test.ts"];
    for (const file of files)
      writeFileSync(join(dir, file), `import { test } from "bun:test";\n${bodyOf(file.slice(0, 1))}`);
    const times = { version: 1 as const, files: { "b.test.ts": 9_000, "c.test.ts": 5_000, "a.test.ts": 10 } };
    const outcome = await bunTest(files, {
      cwd: dir,
      env: {},
      workers: 2,
      isolated: false,
      output: "ignore",
      times,
    });
    const order = readFileSync(join(dir, "order"), "utf8").trim().split(" ");
    expect([order.slice(0, 2).sort(), order[2]]).toEqual([["b", "c"], "a"]);
    expect(Object.keys(outcome.times.files).sort()).toEqual(files);
    expect(Object.values(outcome.times.files).every((ms) => ms < 5_000)).toBe(true);
  });

  test("kills a test that takes too much memory without giving control back, and runs the other files", async () => {
    const greedy = `test("takes it all", () => {
      const held = []; for (;;) held.push(Buffer.alloc(1_048_576, held.length % 255));
    });`;
    const modest = 'test("one", () => {}); test("two", () => {});';
    const files = { "a.test.ts": greedy, "b.test.ts": modest, "c.test.ts": modest };
    const counted = await count(files, true, { memoryBytesMax: 700 * 1024 ** 2 });
    expect(counted.passed).toBe(4);
    expect(counted.failed).toBeGreaterThan(0);
  });
});
