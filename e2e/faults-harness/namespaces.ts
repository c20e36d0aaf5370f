import { exec } from "@windshift/base/exec.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { findViolations } from "./checker.ts";
import { endingsOf, leftovers, settle } from "./episode.ts";
import { takeRecord } from "./record.ts";
import { openStage, type Stage } from "./stage.ts";
import { SHORT_TIMES } from "./time-limits.ts";

/**
 * bun e2e/faults-harness/namespaces.ts, as root on Linux: a server in one network namespace, two runner hosts in others, a link (a veth
 * pair) from each to the server. While runs are going, links are taken down and up again: no end is told, as when a cable is pulled.
 * Prints what happened; exit code 1 when an invariant did not hold.
 */
const SERVER = "windshift-server";
const RUNNERS = ["windshift-runner-1", "windshift-runner-2"];
/** Set for the half that runs in the server's namespace. */
const INSIDE = "FAULTS_NAMESPACE";
const RUNS = 12;
const ASSIGN_PAUSE_MS = 400;
const THINK_MS = [300, 900, 900, 300];
const IP_MS_MAX = 10_000;
const LEASE_MS = SHORT_TIMES.LEASE_MS;

/** Which links are down, for how long, ms; after each, both are up for half a lease. */
const CUTS: { links: number[]; ms: number }[] = [
  { links: [0], ms: LEASE_MS / 2 },
  { links: [1], ms: SHORT_TIMES.PARTITION_MS_MAX + LEASE_MS / 2 },
  { links: [0, 1], ms: LEASE_MS },
  { links: [0], ms: 2 * LEASE_MS },
];

async function outside(): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Error("network namespaces can be made by root only; run this as root");
  try {
    for (const name of [SERVER, ...RUNNERS]) {
      await ip("netns", "add", name);
      await ip("-n", name, "link", "set", "lo", "up");
    }
    for (const [i, name] of RUNNERS.entries()) await connect(i, name);
    const child = Bun.spawn(["ip", "netns", "exec", SERVER, process.execPath, import.meta.path], {
      env: { ...process.env, [INSIDE]: SERVER },
      stdio: ["ignore", "inherit", "inherit"],
    });
    return await child.exited;
  } finally {
    for (const name of [SERVER, ...RUNNERS]) await ip("netns", "delete", name).catch(() => undefined);
  }
}

/** One end in the server's namespace, the other in the runner's, each with an address. */
async function connect(i: number, runner: string): Promise<void> {
  const near = `to-runner-${i + 1}`;
  await ip("-n", SERVER, "link", "add", near, "type", "veth", "peer", "name", "to-server", "netns", runner);
  await ip("-n", SERVER, "address", "add", `${addressOf(i, 1)}/24`, "dev", near);
  await ip("-n", runner, "address", "add", `${addressOf(i, 2)}/24`, "dev", "to-server");
  await ip("-n", SERVER, "link", "set", near, "up");
  await ip("-n", runner, "link", "set", "to-server", "up");
}

/** Of the documentation's networks (RFC 5737), which nobody else has. */
function addressOf(link: number, end: number): string {
  return `${link === 0 ? "192.0.2" : "198.51.100"}.${end}`;
}

async function inside(): Promise<number> {
  const hosts = RUNNERS.map((name, i) => ({
    address: addressOf(i, 1),
    within: ["ip", "netns", "exec", name],
  }));
  const env = { ...process.env, WINDSHIFT_TEST_DATABASE: "sqlite" };
  const stage = await openStage({ env, hosts, capacity: 2, poolMax: 4, thinkMs: THINK_MS });
  try {
    await Promise.all(stage.hosts.map((host) => host.register()));
    say("server and two runner hosts are up, each in a network namespace of its own");
    const assigned: string[] = [];
    await Promise.all([assignAll(stage, assigned), cutLinks(stage)]);
    const problems = await settle(stage);
    const record = await takeRecord(stage, assigned, await leftovers(stage));
    const attempts = record.runs.reduce((sum, { attempt }) => sum + attempt, 0);
    say(`${record.runs.length} runs in ${attempts} attempts: ${JSON.stringify(endingsOf(record))}`);
    const violations = [...problems, ...findViolations(record)];
    say(violations.length === 0 ? "every invariant held" : violations.join("\n"));
    return violations.length === 0 ? 0 : 1;
  } finally {
    await stage.close(false);
  }
}

async function assignAll({ workspace }: Stage, assigned: string[]): Promise<void> {
  for (let i = 1; i <= RUNS; i++) {
    const { key } = await workspace.createItem({ title: `Item ${i}`, description: "Anything." }, true);
    assigned.push(key);
    await Bun.sleep(ASSIGN_PAUSE_MS);
  }
}

async function cutLinks(stage: Stage): Promise<void> {
  for (const { links, ms } of CUTS) {
    const live = z.object({ count: z.coerce.number() });
    await eventually("a run is going or all are over", async () => {
      const [row] = await stage.journal.query(
        "select count(*) as count from runs where status = 'running' or (select count(*) from runs where status in ('queued', 'running')) = 0",
        live,
      );
      return (row?.count ?? 0) > 0;
    });
    const names = links.map((i) => `to-runner-${i + 1}`);
    say(`link ${names.join(" and ")} down for ${ms} ms; ${await held(stage)}`);
    for (const name of names) await ip("link", "set", name, "down");
    await Bun.sleep(ms);
    say(`link ${names.join(" and ")} up; ${await held(stage)}`);
    for (const name of names) await ip("link", "set", name, "up");
    await Bun.sleep(LEASE_MS / 2);
  }
}

/** Who holds what, as the server knows it. */
async function held({ journal }: Stage): Promise<string> {
  const rows = await journal.query(
    "select o.name as host, r.id as run, r.attempt as attempt from runs r join runners o on o.id = r.runner_id where r.status = 'running' order by o.name, r.id",
    z.object({ host: z.string(), run: z.coerce.number(), attempt: z.coerce.number() }),
  );
  const one = rows.map(({ host, run, attempt }) => `${host} run ${run} attempt ${attempt}`);
  return one.length === 0 ? "nothing is held" : `held: ${one.join(", ")}`;
}

async function ip(...args: string[]): Promise<void> {
  const env = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };
  const { exitCode, stderr } = await exec(["ip", ...args], { env, timeoutMs: IP_MS_MAX });
  if (exitCode !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
}

const startedMs = performance.now();
function say(line: string): void {
  process.stdout.write(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(5)} s  ${line}\n`);
}

process.exit(await (process.env[INSIDE] === undefined ? outside() : inside()));
