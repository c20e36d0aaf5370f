import { expect, test } from "bun:test";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { buildJob } from "@windshift/testing/jobs.ts";
import { MemoryControlPlane } from "@windshift/testing/memory-control-plane.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { DiskAttemptSpools } from "./disk-attempt-spools.ts";
import { deliverLeftovers, keepDelivering, LEFTOVER_ROUND_MS } from "./leftovers.ts";
import { SPOOLED_RESULT } from "./spool-fixture.ts";

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const BOOT = "00112233445566778899aabbccddeeff";
const NEVER = new AbortController().signal;
const at = new Date(0).toISOString();

function spoolsIn(dir: TempDir): DiskAttemptSpools {
  return new DiskAttemptSpools({ root: dir.path, boot: BOOT, clock: systemClock, log: SILENT });
}

/** An attempt of `run` that ended with undelivered events, and a result unless there is none. */
async function leave(
  spools: DiskAttemptSpools,
  run: number,
  result: AttemptResult | null = SPOOLED_RESULT,
): Promise<void> {
  const spool = await spools.open(buildJob({ run }));
  for (let i = 0; i < 3; i++) await spool.events.add({ at, type: "stdout", data: { text: `run ${run}` } });
  if (result !== null) await spool.keepResult(result);
  await spool.end(true);
}

/** What is delivered to a server for each run of its own. */
function serversFor(...runs: number[]) {
  const servers = new Map(runs.map((run) => [run, new MemoryControlPlane()]));
  const of = (run: number): MemoryControlPlane => {
    const server = servers.get(run);
    if (server === undefined) throw new Error(`no server for run ${run}`);
    return server;
  };
  const plane = {
    append: (...args: Parameters<MemoryControlPlane["append"]>) => of(args[0].run_id).append(...args),
    report: (...args: Parameters<MemoryControlPlane["report"]>) => of(args[0].run_id).report(...args),
  };
  return { of, controlPlaneFor: () => plane };
}

test("a server that cannot be reached ends the round, and nothing is lost", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1, 2, 3);
  for (const run of [1, 2, 3]) await leave(spools, run);
  const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
  of(1).failing.append = 1;
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 0, lost: 0, kept: 3 });
  expect([of(1).appends, of(2).appends]).toEqual([1, 0]);
  expect((await readdir(dir.path)).sort()).toEqual(["1-1", "2-1", "3-1"]);
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 3, lost: 0, kept: 0 });
  for (const run of [1, 2, 3])
    expect([of(run).events.length, of(run).results]).toEqual([3, [SPOOLED_RESULT]]);
  expect(await readdir(dir.path)).toEqual([]);
});

test("an attempt that is another's now, or whose run is gone, is dropped", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1, 2, 3, 4);
  for (const run of [1, 2, 3]) await leave(spools, run);
  await leave(spools, 4, null);
  of(1).leaseLost = true;
  of(2).append = () => Promise.reject(new AppError("not_found", "no such run"));
  of(3).report = () => Promise.reject(new AppError("conflict", "ended otherwise"));
  const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 1, lost: 3, kept: 0 });
  expect([of(1).events, of(3).events.length, of(4).events.length]).toEqual([[], 3, 3]);
  expect([of(1).reports, of(4).reports]).toEqual([0, 0]);
  expect(await readdir(dir.path)).toEqual([]);
});

test("a refused credential keeps everything: it may only be the wrong one", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1);
  await leave(spools, 1);
  of(1).report = () => Promise.reject(new AppError("unauthenticated", "who are you"));
  const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 0, lost: 0, kept: 1 });
});

test("what a server refuses of one attempt is in nobody's way", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1, 2, 3, 4);
  for (const run of [1, 2, 3, 4]) await leave(spools, run);
  of(1).report = () => Promise.reject(new AppError("internal", "a bug"));
  of(2).append = () => Promise.reject(new AppError("internal", "another"));
  const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 2, lost: 0, kept: 2 });
  expect([of(3).results, of(4).results]).toEqual([[SPOOLED_RESULT], [SPOOLED_RESULT]]);
  expect((await readdir(dir.path)).sort()).toEqual(["1-1", "2-1"]);
});

test("a server that asks for time ends the round", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1, 2);
  for (const run of [1, 2]) await leave(spools, run);
  of(1).append = () => Promise.reject(new AppError("rate_limited", "slower"));
  const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 0, lost: 0, kept: 2 });
  expect(of(2).appends).toBe(0);
});

test("what a job at work has in its spool is its own to deliver", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1);
  const spool = await spools.open(buildJob({ run: 1 }));
  await spool.events.add({ at, type: "stdout", data: { text: "still at work" } });
  const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 0, lost: 0, kept: 0 });
  expect([of(1).appends, await readdir(dir.path)]).toEqual([0, ["1-1"]]);
  await spool.end(false);
  expect(await readdir(dir.path)).toEqual([]);
});

test("a folder that does not say whose it is goes, and other things below the root stay", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  await leave(spools, 1);
  await rm(join(dir.path, "1-1/attempt.json"));
  await leave(spools, 2);
  await writeFile(join(dir.path, "2-1/attempt.json"), '{"run":2');
  await mkdir(join(dir.path, "lost+found"));
  const options = { spools, controlPlaneFor: serversFor().controlPlaneFor, clock: systemClock, log: SILENT };
  expect(await deliverLeftovers(options, NEVER)).toEqual({ delivered: 0, lost: 0, kept: 0 });
  expect(await readdir(dir.path)).toEqual(["lost+found"]);
});

test("what could not be delivered is tried again while the program runs", async () => {
  using dir = tempDir();
  const spools = spoolsIn(dir);
  const { of, controlPlaneFor } = serversFor(1);
  await leave(spools, 1);
  of(1).failing = { renew: 0, append: 2, report: 2 };
  const end = new AbortController();
  const options = { spools, controlPlaneFor, clock: fastClock(LEFTOVER_ROUND_MS / 10), log: SILENT };
  const rounds = keepDelivering(options, end.signal);
  await eventually("the result is there", () => of(1).results.length === 1);
  await eventually("the spool is gone", async () => (await readdir(dir.path)).length === 0);
  end.abort();
  await rounds;
  expect([of(1).events.length, of(1).appends, of(1).reports]).toEqual([3, 3, 3]);
});
