import { afterEach, expect, test } from "bun:test";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type JobFixture, jobFixture } from "@windshift/testing/job-fixture.ts";
import { DiskAttemptSpools } from "./disk-attempt-spools.ts";
import { deliverLeftovers } from "./leftovers.ts";

const TEST_MS_MAX = 60_000;
const BOOT = "00112233445566778899aabbccddeeff";
const NEXT_BOOT = "ffeeddccbbaa99887766554433221100";
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const COMMIT = "git -c user.name=a -c user.email=a@b commit --allow-empty -qm fix";
const GOOD = `read -r prompt; ${COMMIT}
echo '{"type":"finish","outcome":"completed","summary":"all done"}'
echo '{"type":"session_idle"}'; cat > /dev/null`;
const ENDLESS = `read -r prompt; ${COMMIT}; echo working; while :; do sleep 1; done`;

const open: JobFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) {
    expect(await fixture.leftovers()).toEqual([]);
    await fixture.dispose();
  }
});

/** A job with its spool on disk. */
async function spooledJob(agent: string) {
  const fixture = await jobFixture(agent);
  open.push(fixture);
  const root = join(await fixture.makeFolder(), "spool");
  fixture.deps.spools = new DiskAttemptSpools({ root, boot: BOOT, clock: systemClock, log: SILENT });
  const boots: string[] = [];
  /** What the next start of the runner does first. */
  const startAgain = () => {
    const spools = new DiskAttemptSpools({ root, boot: NEXT_BOOT, clock: systemClock, log: SILENT });
    const controlPlaneFor = (boot: string) => {
      boots.push(boot);
      return fixture.server;
    };
    const options = { spools, controlPlaneFor, clock: systemClock, log: SILENT };
    return deliverLeftovers(options, new AbortController().signal);
  };
  const folder = `${fixture.job.run_id}-${fixture.job.attempt}`;
  return { fixture, root, folder, boots, startAgain, spooled: () => readdir(root) };
}
const check = (fact: string, body: () => Promise<void>) => test(fact, body, TEST_MS_MAX);

check("I10 a job that was reported leaves no spool, and its events are those it said, once", async () => {
  const { fixture, spooled } = await spooledJob(GOOD);
  expect((await fixture.run()).kind).toBe("reported");
  expect(fixture.server.events.map((event) => event.seq)).toEqual(fixture.server.events.map((_, i) => i + 1));
  expect(fixture.server.phases).toEqual(["preparing", "agent", "exporting", "pushing"]);
  expect(await spooled()).toEqual([]);
});

check("a result nobody takes is kept and told by the next start, under the boot that made it", async () => {
  const { fixture, root, folder, boots, startAgain, spooled } = await spooledJob(GOOD);
  fixture.server.failing.report = 1_000_000;
  const end = await fixture.run();
  expect(end.kind).toBe("undelivered");
  const dir = join(root, folder);
  expect((await readdir(dir)).sort()).toEqual([
    "attempt.json",
    "events.jsonl",
    "progress.json",
    "result.json",
  ]);

  expect(await startAgain()).toEqual({ delivered: 0, lost: 0, kept: 1 });
  fixture.server.failing.report = 0;
  expect(await startAgain()).toEqual({ delivered: 1, lost: 0, kept: 0 });
  expect(fixture.server.results).toMatchObject([
    { outcome: "completed", summary: "all done", failure: null },
  ]);
  expect(boots).toEqual([BOOT, BOOT]);
  expect(await spooled()).toEqual([]);
});

check("the spool is its owner's alone and holds no token", async () => {
  const { fixture, root, folder } = await spooledJob(`env; ${GOOD}`);
  fixture.server.failing.append = 1_000_000;
  fixture.server.failing.report = 1_000_000;
  expect((await fixture.run()).kind).toBe("undelivered");
  const dir = join(root, folder);
  const modes = await Promise.all(
    [root, dir, ...(await readdir(dir)).sort().map((name) => join(dir, name))].map(
      async (path) => (await stat(path)).mode & 0o777,
    ),
  );
  expect(modes).toEqual([0o700, 0o700, 0o600, 0o600, 0o600, 0o600]);
  const texts = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), "utf8")));
  const all = texts.join("");
  expect(all).toContain("WS_TOKEN=wsrun_[redacted]");
  for (const token of Object.values(fixture.job.tokens)) expect(all).not.toContain(token);
});

check(
  "F14 F15 a job parted from its server ends unpushed and unreported, and its spool goes when the lease is lost",
  async () => {
    const { fixture, startAgain, spooled, folder } = await spooledJob(ENDLESS);
    fixture.deps.settings.partitionMs = 60_000;
    fixture.server.failing = { renew: 1_000_000, append: 0, report: 0 };
    expect(await fixture.run()).toEqual({ kind: "partitioned" });
    expect([fixture.checkout.pushes, fixture.server.reports]).toEqual([0, 0]);
    expect(await spooled()).toEqual([folder]);
    fixture.server.leaseLost = true;
    // What was said is known to the server already: nothing is asked, nothing is left.
    expect((await startAgain()).kept).toBe(0);
    expect(await spooled()).toEqual([]);
  },
);

check("F14 a server that answers in time keeps the job, however long it works", async () => {
  const { fixture } = await spooledJob(ENDLESS);
  fixture.deps.settings.partitionMs = 200_000;
  const cancel = new AbortController();
  const running = fixture.run(cancel.signal);
  await eventually(
    "more heartbeats were answered than fit into the time",
    () => fixture.server.renewals > 45,
  );
  cancel.abort();
  expect(await running).toEqual({ kind: "interrupted" });
});

check(
  "what a job said before it was interrupted reaches the server with the next start, without a result",
  async () => {
    const { fixture, startAgain, spooled } = await spooledJob(ENDLESS);
    fixture.server.failing.append = 1_000_000;
    const cancel = new AbortController();
    const running = fixture.run(cancel.signal);
    await eventually("the server was asked in vain", () => fixture.server.appends > 0);
    cancel.abort();
    expect(await running).toEqual({ kind: "interrupted" });
    fixture.server.failing.append = 0;
    expect(await startAgain()).toEqual({ delivered: 1, lost: 0, kept: 0 });
    expect(fixture.server.events[0]?.data).toEqual({ phase: "preparing" });
    expect([fixture.server.results, await spooled()]).toEqual([[], []]);
  },
);

check("a lease lost while the agent works leaves no spool", async () => {
  const { fixture, spooled } = await spooledJob(ENDLESS);
  const running = fixture.run();
  await eventually("the agent works", () => fixture.server.dataOf("stdout").length > 0);
  fixture.server.leaseLost = true;
  expect(await running).toEqual({ kind: "lease_lost" });
  expect(await spooled()).toEqual([]);
});
