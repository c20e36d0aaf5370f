import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { z } from "zod";
import type { Host } from "./host.ts";
import { REPLY_USAGE } from "./ledger.ts";
import { Link } from "./link.ts";
import { openStage, type Stage } from "./stage.ts";
import { SHORT_TIMES } from "./time-limits.ts";

/** A server that hosts cannot talk to for a while: it stands still, or its name leads elsewhere. Real programs, short times. */
const TEST_MS_MAX = 180_000;
const WAIT_MS_MAX = 90_000;
const { LEASE_MS } = SHORT_TIMES;
/** An agent whose work spans the fault. */
const WORK_MS = [200, 1_500, 1_500, 200];
const NAME = "server.windshift.test";
const OTHER_ADDRESS = "127.0.0.2";

const RunRow = z.object({ status: z.string(), phase: z.string().nullable(), attempt: z.coerce.number() });

let stage: Stage;
let host: Host;
let dir: TempDir;
/** The host's table of names. */
let names: string;

beforeAll(async () => {
  const env = { ...process.env, WINDSHIFT_TEST_DATABASE: "sqlite" };
  dir = tempDir();
  names = join(dir.path, "hosts");
  writeFileSync(names, `127.0.0.1 localhost ${NAME}\n`);
  // The host has a table of names of its own: what it resolves is ours to change.
  const own = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const within = [
    "unshare",
    ...own,
    "--mount",
    "sh",
    "-c",
    `mount --bind "$0" /etc/hosts && exec "$@"`,
    names,
  ];
  stage = await openStage({
    env,
    hosts: [{ address: "127.0.0.1", within }],
    capacity: 2,
    poolMax: 2,
    thinkMs: WORK_MS,
  });
  const [only] = stage.hosts;
  if (only === undefined) throw new Error("there is no host");
  host = only;
  await host.register();
}, TEST_MS_MAX);
beforeEach(() =>
  stage.model.play(
    WORK_MS.map((delay_ms, turn) => ({ content: `thought ${turn}`, delay_ms, usage: REPLY_USAGE })),
  ),
);
afterAll(async () => {
  await stage?.close(false);
  dir?.remove();
}, TEST_MS_MAX);

test(
  "F21 a server that stood still for two leases gives hosts time before it calls any run lost",
  async () => {
    // As in the product, a host waits for more than three leases before it ends its agents itself.
    await restart({ FAULTS_TIMES: JSON.stringify({ PARTITION_MS_MAX: 12 * LEASE_MS }) });
    const runs = [await assign("One"), await assign("Two")];
    for (const id of runs)
      await eventually("the agent works", async () => (await runOf(id)).phase === "agent", WAIT_MS_MAX);
    process.kill(stage.server.pid, "SIGSTOP");
    const lapsed = async () => Date.now() - (await newestLeaseMs()) > LEASE_MS;
    await eventually("all leases have lapsed for as long as they lasted", lapsed, WAIT_MS_MAX);
    process.kill(stage.server.pid, "SIGCONT");
    for (const id of runs) expect(await ended(id)).toEqual({ status: "succeeded", phase: null, attempt: 1 });
    expect(stage.deaths).toEqual([]);
  },
  TEST_MS_MAX,
);

test(
  "F43 a host whose server's name stops resolving, and then leads to another address, goes on there without a restart",
  async () => {
    const port = Number(host.link.address.split(":")[1]);
    await restart({ WS_API_URL: `http://${NAME}:${port}/api` });
    const { pid } = host;
    expect(await ended(await assign("By name"))).toMatchObject({ status: "succeeded", attempt: 1 });

    writeFileSync(names, "127.0.0.1 localhost\n");
    host.link.cut();
    const waiting = await assign("While the name is gone");
    const other = await Link.open({
      host: OTHER_ADDRESS,
      port,
      serverPort: Number(new URL(stage.server.url).port),
    });
    try {
      await eventually("it has noticed", async () => (await silentMs()) > LEASE_MS, WAIT_MS_MAX);
      expect((await runOf(waiting)).status).toBe("queued");
      writeFileSync(names, `127.0.0.1 localhost\n${OTHER_ADDRESS} ${NAME}\n`);
      expect(await ended(waiting)).toMatchObject({ status: "succeeded", attempt: 1 });
      expect(other.acknowledged.length).toBeGreaterThan(0);
      expect([host.pid, stage.deaths]).toEqual([pid, []]);
      await host.kill();
    } finally {
      await other.close();
    }
  },
  TEST_MS_MAX,
);

/**
 * Kills the host and starts it with these settings. Resolves once the server has heard of the new start: until then the killed one's
 * claim may still stand in line, and what is assigned would be its first attempt, lost with it.
 */
async function restart(env: Record<string, string>): Promise<void> {
  const before = await eventually("the server knows the host", async () => (await bootOf()) || undefined);
  await host.kill();
  host.start(env);
  await eventually("the server hears of the new start", async () => (await bootOf()) !== before, WAIT_MS_MAX);
}

async function bootOf(): Promise<string> {
  const [row] = await stage.journal.query(
    `select boot from runners where name = '${host.name}'`,
    z.object({ boot: z.string() }),
  );
  return row?.boot ?? "";
}

async function assign(title: string): Promise<number> {
  const { key } = await stage.workspace.createItem({ title, description: "Anything." }, true);
  const run = await stage.journal.findRun(key);
  return z.number().parse(run);
}

async function runOf(id: number): Promise<z.infer<typeof RunRow>> {
  const [row] = await stage.journal.query(`select status, phase, attempt from runs where id = ${id}`, RunRow);
  return RunRow.parse(row);
}

function ended(id: number): Promise<z.infer<typeof RunRow>> {
  const look = async () => {
    const run = await runOf(id);
    return run.status === "queued" || run.status === "running" ? undefined : run;
  };
  return eventually(`run ${id} has ended`, look, WAIT_MS_MAX);
}

/** When the last of the leases ends that are held, ms since 1970. */
async function newestLeaseMs(): Promise<number> {
  const [row] = await stage.journal.query(
    "select max(lease_expires_at_ms) as lease from runs where status = 'running'",
    z.object({ lease: z.coerce.number() }),
  );
  return row?.lease ?? 0;
}

/** Since the server last heard of the host, ms. */
async function silentMs(): Promise<number> {
  const [row] = await stage.journal.query(
    `select max(last_seen_at_ms) as seen from runners where name = '${host.name}'`,
    z.object({ seen: z.coerce.number() }),
  );
  return Date.now() - (row?.seen ?? 0);
}
