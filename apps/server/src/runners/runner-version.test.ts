import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { COMPLETED_RESULT } from "../testing/completed-result.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, eventOf, newNonce, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, type TestWorkspace } from "../testing/test-workspace.ts";
import { RUNNER_VERSION_MIN, requireVersion } from "./runner-version.ts";

/** A loaded machine may take long, ms. */
const TEST_MS_MAX = 60_000;

let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let pool: Pool;
let host: TestHost;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "OLD");
}, TEST_MS_MAX);
afterAll(() => server.close());
beforeEach(async () => {
  pool = await createPool(admin, { name: newNonce() });
  await admin.patch(`/api/v1/bindings/${workspace.binding.id}`, { pool: pool.name });
  host = await addHost(server, admin, pool);
});

describe("RT-18 a runner of another version", () => {
  test("that is too old is told so at its first word, and nothing is done for it", async () => {
    await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
    host.state.version = "0.0.9";
    for (const reply of [await host.heartbeat(), await host.claim()]) {
      expect([reply.status, reply.body.error.code]).toEqual([403, "forbidden"]);
      expect(reply.body.error.message).toContain(`0.0.9, and the server needs ${RUNNER_VERSION_MIN}`);
      expect(reply.body.error.message).toContain("keeps its registration");
    }
    const { boot } = await server.database.kysely
      .selectFrom("runners")
      .select("boot")
      .where("instance", "=", host.registered.instance_id)
      .executeTakeFirstOrThrow();
    expect(boot).toBe("");
    host.state.version = RUNNER_VERSION_MIN;
    expect((await host.claim()).body.job).not.toBeNull();
  });

  test("is compared number by number; what runs from source and what comes later is let in", () => {
    const isRefused = (version: string, least: string) => {
      try {
        requireVersion(version, least);
        return false;
      } catch {
        return true;
      }
    };
    const refused = ["0.9.9", "1.1.9", "1.2.0-rc.1", "1.2.2+build"];
    expect(refused.filter((version) => !isRefused(version, "1.2.3"))).toEqual([]);
    const taken = ["1.2.3", "1.2.3-rc.1", "1.10.0", "10.0.0", "0.0.0-dev", "nightly"];
    expect(taken.filter((version) => isRefused(version, "1.2.3"))).toEqual([]);
    const { version } = JSON.parse(readFileSync(join(import.meta.dir, "../../../../package.json"), "utf8"));
    expect(isRefused(version, RUNNER_VERSION_MIN)).toBe(false);
  });

  test("that sends only what every version sends does a whole job", async () => {
    await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
    const state = { boot: newNonce(), version: RUNNER_VERSION_MIN, capacity: 1, labels: [] };
    const asked = { ...state, claim_key: newNonce(), api_url: `${server.url}/api`, isolation: "container" };
    const claim = await host.client.post<{ job: JobSpec }>("/api/runner/claim", asked);
    const { run_id: run, attempt } = claim.body.job;
    await expectWholeJob(state, run, attempt);
  });

  test("that sends more than this server knows does a whole job", async () => {
    await createItem(admin, workspace.key, { assignee_id: workspace.agent.id });
    const later = { from_later: { any: ["thing"] } };
    const state = { boot: newNonce(), version: "99.0.0", capacity: 1, labels: [], ...later };
    const asked = { ...state, claim_key: newNonce(), api_url: `${server.url}/api`, isolation: "container" };
    const claim = await host.client.post<{ job: JobSpec }>("/api/runner/claim?wait=0s&later=1", asked);
    const { run_id: run, attempt } = claim.body.job;
    await expectWholeJob(state, run, attempt, later);
  });
});

async function expectWholeJob(
  state: { boot: string },
  run: number,
  attempt: number,
  more: object = {},
): Promise<void> {
  const { client } = host;
  const boot = { "x-windshift-boot": state.boot };
  const held = [{ run, attempt, ...more }];
  const heartbeat = await client.post<{ abort: unknown[] }>("/api/runner/heartbeat", { ...state, held });
  expect([heartbeat.status, heartbeat.body.abort]).toEqual([200, []]);
  const notices = await client.post<{ news: unknown[] }>("/api/runner/notices", {
    boot: state.boot,
    held,
    ...more,
  });
  expect([notices.status, notices.body.news]).toEqual([200, []]);
  const batch = { attempt, events: [{ ...eventOf(1), ...more }], ...more };
  const events = await client.post<{ acked_seq: number }>(`/api/runner/runs/${run}/events`, batch, boot);
  expect([events.status, events.body.acked_seq]).toEqual([200, 1]);
  const result = { ...COMPLETED_RESULT, attempt, ...more };
  expect((await client.post(`/api/runner/runs/${run}/result`, result, boot)).status).toBe(200);
  expect((await client.post("/api/runner/credential", more)).status).toBe(200);
}
