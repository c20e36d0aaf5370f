import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";
import { FORGE_WAIT_MS_MAX } from "./forge-wait.ts";

const WAIT_MS_MAX = 30_000;

const at = useForgeScene(startForgejoServer, "WAIT");

const CREATE = { method: "POST", path: /\/pulls$/ };
const limited = { kind: "answer", status: 429, headers: { "retry-after": "3000" } } as const;

const rowOf = (id: number) =>
  at.server.database.kysely.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

/** The client remembers the limit; one with a credential entered anew asks again. */
const forgetLimit = () =>
  at.admin.patch(`/api/v1/connections/${at.workspace.connection.id}`, { token: at.forge.tokens.full });

/** An item whose work is done and whose forge asks to wait with the pull request. */
async function kept(file: string) {
  const key = await at.workspace.assign();
  const job = await at.claimed(key);
  at.forge.faults.add({ ...CREATE, what: limited });
  await at.workspace.work(job, { [file]: "x\n" });
  const run = await eventually(
    "the run says that it waits",
    async () => {
      const found = await at.newestRun(key);
      return found.detail === null ? undefined : found;
    },
    WAIT_MS_MAX,
  );
  return { key, run };
}

test(
  "F33 a pull request is opened after a fault of the forge that lasts longer than three tries",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    for (let i = 0; i < 3; i++) at.forge.faults.add({ ...CREATE, what: { kind: "answer", status: 502 } });
    await at.workspace.work(job, { "down.txt": "x\n" });
    let pressed = 0;
    const run = await eventually(
      "the run ends",
      async () => {
        const found = await at.newestRun(key);
        // Its own tries come too, but further and further apart.
        if (found.can_publish_again && found.status === "running")
          pressed += (await at.admin.post(`/api/v1/agent-runs/${found.id}/publish`)).status === 200 ? 1 : 0;
        return found.status === "running" ? undefined : found;
      },
      WAIT_MS_MAX,
    );
    expect([run.status, run.detail, run.pull_request?.state]).toEqual(["succeeded", null, "open"]);
    expect(pressed).toBeGreaterThan(0);
  },
  FORGE_TEST_MS_MAX,
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
    expect((await at.admin.post(`/api/v1/agent-runs/${run.id}/publish`)).status).toBe(200);
    const ended = await at.workspace.ended(key);
    expect([ended.status, ended.detail, ended.pull_request?.state]).toEqual(["succeeded", null, "open"]);
    expect(await rowOf(run.id)).toMatchObject({ not_before_ms: null, forge_wait_since_ms: null });
  },
  FORGE_TEST_MS_MAX,
);

test(
  "F33 a run that waited an hour for its forge fails with the sentence and can be published again",
  async () => {
    const { key, run } = await kept("hour.txt");
    const row = await rowOf(run.id);
    await at.server.database.kysely
      .updateTable("runs")
      .set({ forge_wait_since_ms: (row.forge_wait_since_ms ?? 0) - FORGE_WAIT_MS_MAX })
      .where("id", "=", run.id)
      .execute();
    at.forge.faults.add({ ...CREATE, what: { kind: "answer", status: 502 } });
    await forgetLimit();
    await at.admin.post(`/api/v1/agent-runs/${run.id}/publish`);
    await eventually("one more try", async () => (await at.newestRun(key)).status !== "running", WAIT_MS_MAX);
    const failed = await at.newestRun(key);
    expect([failed.status, failed.reason, failed.can_publish_again]).toEqual([
      "failed",
      "publish_failed",
      true,
    ]);
    expect(failed.detail).toContain("has a fault of its own (502)");
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a run that waits to be published can be canceled",
  async () => {
    const { key, run } = await kept("cancel.txt");
    expect((await at.admin.post(`/api/v1/agent-runs/${run.id}/cancel`, {})).status).toBeLessThan(300);
    expect((await at.workspace.ended(key)).status).toBe("canceled");
    await forgetLimit();
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a forge that asks to wait at the claim costs no attempt's worth of patience, and the queue says why",
  async () => {
    const key = await at.workspace.assign();
    at.forge.faults.add({ method: "GET", path: /\/branches\//, what: limited });
    const claiming = at.workspace.claim(key);
    const run = await eventually(
      "the run waits in the queue",
      async () => {
        const found = await at.newestRun(key);
        return found.queued_because?.reason === "forge_busy" ? found : undefined;
      },
      WAIT_MS_MAX,
    );
    expect(run.queued_because?.text).toMatch(/until \d{4}-.*tried again at \d{4}-/);
    expect(await rowOf(run.id)).toMatchObject({ status: "queued", attempt: 1, interruptions: 0 });
    await forgetLimit();
    // As if the time had come.
    await at.server.database.kysely
      .updateTable("runs")
      .set({ not_before_ms: 1 })
      .where("id", "=", run.id)
      .execute();
    const job = await claiming;
    expect([job?.run_id as number, job?.attempt as number]).toEqual([run.id, 2]);
    expect(await rowOf(run.id)).toMatchObject({ detail: null, forge_wait_since_ms: null, interruptions: 0 });
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a run that waits for its forge does not hold up the next of its workspace",
  async () => {
    const first = await at.workspace.assign("First");
    const { id } = await at.newestRun(first);
    await at.server.database.kysely
      .updateTable("runs")
      .set({ not_before_ms: Date.now() + FORGE_WAIT_MS_MAX })
      .where("id", "=", id)
      .execute();
    const second = await at.workspace.assign("Second");
    const job = await at.workspace.claim(second);
    expect(job?.run_id as number).toBe((await at.newestRun(second)).id);
    expect((await at.newestRun(first)).status).toBe("queued");
  },
  FORGE_TEST_MS_MAX,
);
