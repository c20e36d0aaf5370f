import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { RunnerId } from "@windshift/contract/ids.ts";
import { setPoolCap } from "../pools/pool-store.ts";
import { createRun } from "../runs/run-create.ts";
import { ClaimedRuns, type ClaimPlan } from "../testing/claim-process.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { newNonce } from "../testing/test-host.ts";

setDefaultTimeout(120_000);
const PROGRAM = resolve(import.meta.dir, "../testing/claim-process.ts");
/** Runs of each workspace, first those for hosts with the label, then those for all. */
const LABELLED = 10;
const RUNS = 20;
const HOSTS = 5;
const CLAIMS = 6;

let fix: RunFixture;
let started: Bun.Subprocess<"pipe", "pipe", "inherit">[];
beforeEach(async () => {
  fix = await createRunFixture(3);
  started = [];
  for (const workspace of fix.workspaces)
    for (let n = 0; n < RUNS; n++) await queueRun(workspace, n < LABELLED);
});
afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  await fix.close();
});

async function queueRun(workspaceId: number, labelled: boolean): Promise<void> {
  const { database, agent: agentUserId, person: requestedBy } = fix;
  const workItemId = await fix.createItem(workspaceId);
  const wanted = { workspaceId, workItemId, agentUserId, requestedBy, trigger: "assignee" } as const;
  const run = await database.transaction((tx) => createRun(database, tx, wanted, { llmModel: undefined }));
  if (labelled)
    await database.kysely.insertInto("run_labels").values({ run_id: run, label: "gpu" }).execute();
}

async function addHosts(): Promise<ClaimPlan["hosts"]> {
  const rows = Array.from({ length: HOSTS }, (_, n) => ({
    pool_id: fix.pool,
    name: `host ${n}`,
    kind: "host",
    instance: `instance-${n}`,
    boot: newNonce(),
    last_seen_at_ms: 0,
  }));
  const added = await fix.database.kysely
    .insertInto("runners")
    .values(rows)
    .returning(["id", "boot"])
    .execute();
  return added.map(({ id, boot }) => ({ id: RunnerId.parse(id), boot }));
}

/**
 * Claims of the same hosts at two servers at once, at one of them with a label: so they take other runs, and only the pool's row
 * keeps them from taking them together. With SQLite there is one server.
 */
async function claimEverywhere(capacity: number): Promise<ClaimedRuns> {
  const { url = "-", sqliteFile } = fix.address;
  const hosts = await addHosts();
  for (const labels of fix.database.engine === "postgres" ? [["gpu"], []] : [["gpu"]]) {
    const plan: ClaimPlan = { pool: fix.pool, hosts, capacity, labels, claims: CLAIMS };
    started.push(
      Bun.spawn([process.execPath, PROGRAM, url, sqliteFile, JSON.stringify(plan)], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
      }),
    );
  }
  const lines = started.map(({ stdout }) => linesOf(stdout));
  for (const line of lines) expect((await line.next()).value).toBe("ready");
  for (const { stdin } of started) {
    stdin.write("go\n");
    await stdin.flush();
  }
  const came = await Promise.all(lines.map(async (line) => (await line.next()).value ?? "[]"));
  return came.flatMap((line) => ClaimedRuns.parse(JSON.parse(line)));
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
}

/** The runs that are held, as the database has them. */
function heldRuns() {
  return fix.database.kysely
    .selectFrom("runs")
    .select(["id as run", "runner_id as host", "claim_key as key", "attempt", "workspace_id"])
    .where("status", "=", "running")
    .orderBy("id")
    .execute();
}

function countBy<T>(values: readonly T[], of: (value: T) => unknown): number[] {
  return [...Map.groupBy(values, of).values()].map(({ length }) => length);
}

test("servers that claim in groups at once hold the pool's cap, share no run, and are fair to workspaces", async () => {
  await setPoolCap(fix.database.kysely, fix.pool, 25);
  const came = (await claimEverywhere(100)).filter(({ run }) => run !== null);
  const held = await heldRuns();
  expect(held).toHaveLength(25);
  expect(held.map(({ attempt }) => attempt)).toEqual(held.map(() => 1));
  expect(countBy(held, ({ workspace_id }) => workspace_id).sort()).toEqual([8, 8, 9]);
  // Whatever was answered is held by who was told so; a key brings one run, however often it is sent.
  for (const { host, key, run, attempt } of came)
    expect(held).toContainEqual(expect.objectContaining({ host, key, run, attempt }));
  expect(new Set(came.map(({ run }) => run)).size).toBe(25);
  expect(new Set(held.map(({ key }) => key)).size).toBe(25);
  const tokens = await fix.database.kysely.selectFrom("run_tokens").select("run_id").execute();
  expect(new Set(tokens.map(({ run_id }) => run_id)).size).toBe(25);
});

test("a host that claims at all servers at once is given no more than it takes", async () => {
  await setPoolCap(fix.database.kysely, fix.pool, 1_000);
  await claimEverywhere(4);
  const held = await heldRuns();
  expect(held).toHaveLength(4 * HOSTS);
  expect(countBy(held, ({ host }) => host)).toEqual(Array.from({ length: HOSTS }, () => 4));
  const waiting = await fix.database.kysely
    .selectFrom("runs")
    .select("id")
    .where("status", "=", "queued")
    .execute();
  expect(waiting).toHaveLength(3 * RUNS - 4 * HOSTS);
});
