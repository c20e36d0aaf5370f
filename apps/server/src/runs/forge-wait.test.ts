import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { FORGE_WAIT_MS_MAX } from "./forge-wait.ts";

/** Each test is a few requests and git processes; a loaded machine may take long for them. */
const TEST_MS_MAX = 60_000;
const WAIT_MS_MAX = 30_000;

let forge: ForgeServer;
let server: TestServer;
let admin: TestClient;
let workspace: ForgeWorkspace;
beforeAll(async () => {
  forge = await startForgejoServer();
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createForgeWorkspace(server, admin, forge, "WAIT");
}, TEST_MS_MAX);
afterAll(async () => {
  await workspace?.stop();
  await server?.close();
  await forge?.stop();
}, TEST_MS_MAX);

const CREATE = { method: "POST", path: /\/pulls$/ };
const limited = { kind: "answer", status: 429, headers: { "retry-after": "3000" } } as const;

const newestRun = async (key: string) => {
  const { body } = await admin.get<{ runs: { id: number }[] }>(`/api/v1/items/${key}/agent-runs`);
  return (await admin.get<AgentRunDetail>(`/api/v1/agent-runs/${body.runs[0]?.id}`)).body;
};
const rowOf = (id: number) =>
  server.database.kysely.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

/** The client remembers the limit; one with a credential entered anew asks again. */
const forgetLimit = () =>
  admin.patch(`/api/v1/connections/${workspace.connection.id}`, { token: forge.tokens.full });

/** An item whose work is done and whose forge asks to wait with the pull request. */
async function kept(file: string) {
  const key = await workspace.assign();
  const job = await workspace.claim(key);
  if (job === undefined) throw new Error("no job");
  forge.faults.add({ ...CREATE, what: limited });
  await workspace.work(job, { [file]: "x\n" });
  const run = await eventually(
    "the run says that it waits",
    async () => {
      const found = await newestRun(key);
      return found.detail === null ? undefined : found;
    },
    WAIT_MS_MAX,
  );
  return { key, run };
}

test(
  "a pull request is opened after a fault of the forge that lasts longer than three tries",
  async () => {
    const key = await workspace.assign();
    const job = await workspace.claim(key);
    if (job === undefined) throw new Error("no job");
    for (let i = 0; i < 3; i++) forge.faults.add({ ...CREATE, what: { kind: "answer", status: 502 } });
    await workspace.work(job, { "down.txt": "x\n" });
    let pressed = 0;
    const run = await eventually(
      "the run ends",
      async () => {
        const found = await newestRun(key);
        // Its own tries come too, but further and further apart.
        if (found.can_publish_again && found.status === "running")
          pressed += (await admin.post(`/api/v1/agent-runs/${found.id}/publish`)).status === 200 ? 1 : 0;
        return found.status === "running" ? undefined : found;
      },
      WAIT_MS_MAX,
    );
    expect([run.status, run.detail, run.pull_request?.state]).toEqual(["succeeded", null, "open"]);
    expect(pressed).toBeGreaterThan(0);
  },
  TEST_MS_MAX,
);

test(
  "a run that waits for a rate limit says until when, and is published when somebody asks for it",
  async () => {
    const { key, run } = await kept("limit.txt");
    expect([run.status, run.phase, run.can_publish_again]).toEqual(["running", "publishing", true]);
    expect(run.detail).toMatch(
      /allows no more requests for this credential until \d{4}-.*tried again at \d{4}-/,
    );
    const row = await rowOf(run.id);
    expect((row.not_before_ms ?? 0) - (row.forge_wait_since_ms ?? 0)).toBeGreaterThan(2_900_000);
    await forgetLimit();
    expect((await admin.post(`/api/v1/agent-runs/${run.id}/publish`)).status).toBe(200);
    const ended = await workspace.ended(key);
    expect([ended.status, ended.detail, ended.pull_request?.state]).toEqual(["succeeded", null, "open"]);
    expect(await rowOf(run.id)).toMatchObject({ not_before_ms: null, forge_wait_since_ms: null });
  },
  TEST_MS_MAX,
);

test(
  "a run that waited an hour for its forge fails with the sentence and can be published again",
  async () => {
    const { key, run } = await kept("hour.txt");
    const row = await rowOf(run.id);
    await server.database.kysely
      .updateTable("runs")
      .set({ forge_wait_since_ms: (row.forge_wait_since_ms ?? 0) - FORGE_WAIT_MS_MAX })
      .where("id", "=", run.id)
      .execute();
    forge.faults.add({ ...CREATE, what: { kind: "answer", status: 502 } });
    await forgetLimit();
    await admin.post(`/api/v1/agent-runs/${run.id}/publish`);
    await eventually("one more try", async () => (await newestRun(key)).status !== "running", WAIT_MS_MAX);
    const failed = await newestRun(key);
    expect([failed.status, failed.reason, failed.can_publish_again]).toEqual([
      "failed",
      "publish_failed",
      true,
    ]);
    expect(failed.detail).toContain("has a fault of its own (502)");
  },
  TEST_MS_MAX,
);

test(
  "a run that waits to be published can be canceled",
  async () => {
    const { key, run } = await kept("cancel.txt");
    expect((await admin.post(`/api/v1/agent-runs/${run.id}/cancel`, {})).status).toBeLessThan(300);
    expect((await workspace.ended(key)).status).toBe("canceled");
    await forgetLimit();
  },
  TEST_MS_MAX,
);

test(
  "a forge that asks to wait at the claim costs no attempt's worth of patience, and the queue says why",
  async () => {
    const key = await workspace.assign();
    forge.faults.add({ method: "GET", path: /\/branches\//, what: limited });
    const claiming = workspace.claim(key);
    const run = await eventually(
      "the run waits in the queue",
      async () => {
        const found = await newestRun(key);
        return found.queued_because?.reason === "forge_busy" ? found : undefined;
      },
      WAIT_MS_MAX,
    );
    expect(run.queued_because?.text).toMatch(/until \d{4}-.*tried again at \d{4}-/);
    expect(await rowOf(run.id)).toMatchObject({ status: "queued", attempt: 1, interruptions: 0 });
    await forgetLimit();
    // As if the time had come.
    await server.database.kysely
      .updateTable("runs")
      .set({ not_before_ms: 1 })
      .where("id", "=", run.id)
      .execute();
    const job = await claiming;
    expect([job?.run_id as number, job?.attempt as number]).toEqual([run.id, 2]);
    expect(await rowOf(run.id)).toMatchObject({ detail: null, forge_wait_since_ms: null, interruptions: 0 });
  },
  TEST_MS_MAX,
);

test(
  "a run that waits for its forge does not hold up the next of its workspace",
  async () => {
    const first = await workspace.assign("First");
    const { id } = await newestRun(first);
    await server.database.kysely
      .updateTable("runs")
      .set({ not_before_ms: Date.now() + FORGE_WAIT_MS_MAX })
      .where("id", "=", id)
      .execute();
    const second = await workspace.assign("Second");
    const job = await workspace.claim(second);
    expect(job?.run_id as number).toBe((await newestRun(second)).id);
    expect((await newestRun(first)).status).toBe("queued");
  },
  TEST_MS_MAX,
);
