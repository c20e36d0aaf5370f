import { afterEach, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { exec } from "@windshift/base/exec.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { DiskAttemptSpools } from "./disk-attempt-spools.ts";
import { deliverLeftovers } from "./leftovers.ts";
import { EventServer, httpPlane, SPOOLED_RESULT } from "./spool-fixture.ts";

const TEST_MS_MAX = 120_000;
/** A file of the runner takes no more than this, bytes, as if the disk were full. */
const DISK_BYTES = 262_144;
/** More than the disk and the memory of an outbox take together. */
const EVENTS = 6_000;
const BOOT = "00112233445566778899aabbccddeeff";
const CHILD = join(import.meta.dir, "testdata/spool-child.ts");
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface FullRunner {
  dir: TempDir;
  server: EventServer;
  pid: number;
  /** What it said. */
  lines: string[];
  kill(): Promise<void>;
}
const runners: FullRunner[] = [];
afterEach(async () => {
  for (const { dir, server, kill } of runners.splice(0)) {
    await kill();
    await server.stop();
    dir.remove();
  }
});

/** A runner whose server is away and whose disk takes little. */
async function fullRunner(): Promise<FullRunner> {
  const dir = tempDir();
  const server = new EventServer();
  server.mood = () => "is away";
  const limited = `trap '' XFSZ; exec prlimit --fsize=${DISK_BYTES}:unlimited "$@"`;
  const argv = [process.execPath, CHILD, dir.path, server.url, BOOT, String(EVENTS), "3000"];
  const child = Bun.spawn(["sh", "-c", limited, "sh", ...argv], {
    env: { PATH: process.env.PATH ?? "" },
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines: string[] = [];
  void readLines(child.stdout, lines);
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const runner = { dir, server, pid: child.pid, lines, kill };
  runners.push(runner);
  await eventually("the disk is full", () => said(runner, "events cannot be written to the disk"), 60_000);
  const { requests } = server;
  await eventually("the server was asked more often", () => server.requests > requests + 2, 60_000);
  expect(statSync(join(dir.path, "7-1/events.jsonl")).size).toBeLessThanOrEqual(DISK_BYTES);
  expect(said(runner, "added")).toBe(false);
  return runner;
}

async function readLines(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  }
}
const said = ({ lines }: FullRunner, what: string) => lines.some((line) => line.startsWith(what));

function checkStored({ server }: FullRunner): void {
  expect(server.events.map(({ seq }) => seq)).toEqual(Array.from({ length: EVENTS }, (_, i) => i + 1));
  expect(server.events.every(({ data }, i) => String(data.text).startsWith(`${i + 1} `))).toBe(true);
  expect(server.conflicts).toBe(0);
}

test(
  "F12 a full disk holds up whoever adds, and everything goes on when the server is back",
  async () => {
    const runner = await fullRunner();
    runner.server.mood = () => "takes";
    await eventually("all is delivered", () => said(runner, "flushed"), 60_000);
    checkStored(runner);
  },
  TEST_MS_MAX,
);

test(
  "F12 a disk that has room again takes what waited, and a later start delivers it",
  async () => {
    const runner = await fullRunner();
    const more = await exec(["prlimit", "--pid", String(runner.pid), "--fsize=unlimited:unlimited"], {
      env: { PATH: process.env.PATH ?? "" },
      timeoutMs: 10_000,
    });
    expect(more.exitCode).toBe(0);
    await eventually("all is on the disk", () => said(runner, "kept"), 60_000);
    expect(said(runner, "events are written to the disk again")).toBe(true);
    expect(runner.server.events).toEqual([]);
    await runner.kill();

    runner.server.mood = () => "takes";
    const options = {
      spools: new DiskAttemptSpools({ root: runner.dir.path, boot: BOOT, clock: systemClock, log: SILENT }),
      controlPlaneFor: (boot: string) => httpPlane(runner.server.url, boot),
      clock: systemClock,
      log: SILENT,
    };
    expect((await deliverLeftovers(options, new AbortController().signal)).delivered).toBe(1);
    checkStored(runner);
    expect(runner.server.results).toEqual([SPOOLED_RESULT]);
    expect(await readdir(runner.dir.path)).toEqual([]);
  },
  TEST_MS_MAX,
);
