import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { RunEvent } from "@windshift/contract/event.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { DiskAttemptSpools } from "./disk-attempt-spools.ts";
import { deliverLeftovers } from "./leftovers.ts";
import { EventServer, httpPlane, type Mood } from "./spool-fixture.ts";

const SEEDS = 36;
/** Runners that are killed at once: enough to end soon, few enough for two cores. */
const AT_ONCE = 4;
const TEST_MS_MAX = 300_000;
const CHILD = join(import.meta.dir, "testdata/spool-child.ts");
const BOOT = "00112233445566778899aabbccddeeff";
const NEXT_BOOT = "ffeeddccbbaa99887766554433221100";
const MOODS: Mood[] = ["takes", "takes", "takes some", "is away", "loses the answer"];
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Numbers below `limit` that a seed gives again and again (mulberry32). */
function randomOf(seed: number): (limit: number) => number {
  let state = seed * 0x9e3779b9;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Ends a runner in the middle of its work. @returns what its file held, and how much the server had */
async function killRunner(root: string, server: EventServer, random: (limit: number) => number) {
  const count = random(4) === 0 ? 30 : 1_000_000;
  const child = Bun.spawn([process.execPath, CHILD, root, server.url, BOOT, String(count), "3000"], {
    env: { PATH: process.env.PATH ?? "" },
    stdout: "ignore",
    stderr: "inherit",
  });
  const requests = 1 + random(8);
  const file = join(root, "7-1/events.jsonl");
  const written = random(200_000);
  await eventually(
    "the runner is at work",
    () =>
      server.requests >= requests ||
      (existsSync(file) && readFileSync(file).length > written) ||
      existsSync(join(root, "7-1/result.json")),
    60_000,
  );
  await Bun.sleep(random(30));
  child.kill("SIGKILL");
  await child.exited;
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return {
    inFile: lines.map((line) => RunEvent.parse(JSON.parse(line))),
    hadResult: existsSync(join(root, "7-1/result.json")),
  };
}

async function checkSeed(seed: number): Promise<void> {
  using dir = tempDir();
  const random = randomOf(seed);
  const server = new EventServer();
  const alwaysAway = random(5) === 0;
  server.mood = () => (alwaysAway ? "is away" : (MOODS[random(MOODS.length)] ?? "takes"));
  try {
    const { inFile, hadResult } = await killRunner(dir.path, server, random);
    const stored = server.events.length;
    server.mood = () => "takes";
    const spools = new DiskAttemptSpools({
      root: dir.path,
      boot: NEXT_BOOT,
      clock: systemClock,
      log: SILENT,
    });
    const controlPlaneFor = (boot: string) => httpPlane(server.url, boot);
    const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
    const count = await deliverLeftovers(options, new AbortController().signal);

    expect(count).toEqual({ delivered: 1, lost: 0, kept: 0 });
    expect(server.events.map((event) => event.seq)).toEqual(server.events.map((_, i) => i + 1));
    for (const event of inFile) expect(server.events[event.seq - 1]).toEqual(event);
    expect(server.events.length).toBeGreaterThanOrEqual(Math.max(stored, inFile.at(-1)?.seq ?? 0));
    expect([server.conflicts, server.results.length]).toEqual([0, hadResult ? 1 : 0]);
    expect([...server.boots]).toEqual([BOOT]);
    expect(existsSync(join(dir.path, "7-1"))).toBe(false);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  } finally {
    await server.stop();
  }
}

test(
  "F02 F25 I6 a runner that is killed anywhere loses no event that was in its file, and the server has each once",
  async () => {
    for (let first = 1; first <= SEEDS; first += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => checkSeed(first + i)));
    }
  },
  TEST_MS_MAX,
);
