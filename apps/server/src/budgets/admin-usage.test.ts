import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { AdminUsage, WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { createTestWorkspace, startLiveRun } from "../testing/test-workspace.ts";
import { insertUsage } from "./usage-rows.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  const runs = [];
  for (const key of ["ALPHA", "BETA"]) {
    const workspace = await createTestWorkspace(admin, key);
    runs.push((await startLiveRun(server, admin, workspace)).runId);
  }
  const [alpha = 0, beta = 0] = runs;
  const call = (run_id: number, at: string, model: string, tokens: number, cost: number | null) => ({
    run_id,
    attempt: 1,
    model,
    input_tokens: tokens,
    output_tokens: 1,
    cached_input_tokens: 0,
    connection_id: null,
    cost_micros: cost,
    estimated: 0,
    status: 200,
    duration_ms: 5,
    created_at_ms: Date.parse(at),
  });
  await insertUsage(server.database.engine, server.database.kysely, [
    call(alpha, "2026-03-01T00:00:00.000Z", "small", 10, 100),
    call(alpha, "2026-03-01T23:59:59.999Z", "large", 500, 900),
    call(beta, "2026-03-31T23:59:59.999Z", "small", 30, 300),
    call(beta, "2026-04-01T00:00:00.000Z", "small", 7, 70),
    call(alpha, "2026-01-15T12:00:00.000Z", "small", 1, null),
    call(alpha, "2025-03-31T23:59:59.999Z", "small", 1_000_000, 1),
  ]);
});
afterAll(() => server.close());

test("the usage of the installation is summed by workspace, model, day and month", async () => {
  const { status, body } = await admin.get<AdminUsage>("/api/v1/admin/usage?month=2026-03");
  expect(status).toBe(200);
  expect(body).toMatchObject({ month: "2026-03", calls: 3, input_tokens: 540, cost_micros: 1_300 });
  expect(body.workspaces.map((row) => [row.key, row.calls, row.input_tokens, row.cost_micros])).toEqual([
    ["ALPHA", 2, 510, 1_000],
    ["BETA", 1, 30, 300],
  ]);
  expect(body.models.map((row) => [row.model, row.calls, row.input_tokens])).toEqual([
    ["large", 1, 500],
    ["small", 2, 40],
  ]);
  expect(body.days.map((row) => [row.day, row.calls])).toEqual([
    ["2026-03-01", 2],
    ["2026-03-31", 1],
  ]);
  expect(body.months.map((row) => row.month)).toEqual([
    ...["2025-04", "2025-05", "2025-06", "2025-07", "2025-08", "2025-09", "2025-10", "2025-11", "2025-12"],
    ...["2026-01", "2026-02", "2026-03"],
  ]);
  expect(body.months.map((row) => row.calls)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3]);
  expect(body.months[9]?.cost_micros).toBeNull();
});

test("the usage of a workspace is its own, by model and day too", async () => {
  const { body } = await admin.get<WorkspaceUsage>("/api/v1/workspaces/BETA/usage?month=2026-03");
  expect(body).toMatchObject({ calls: 1, input_tokens: 30 });
  expect(body.models.map((row) => row.model)).toEqual(["small"]);
  expect(body.days.map((row) => row.day)).toEqual(["2026-03-31"]);
});

test("the usage of the installation is for its administrators", async () => {
  const { client } = await server.addPerson(admin, "Bob");
  expect((await client.get("/api/v1/admin/usage")).status).toBe(403);
  expect((await admin.get("/api/v1/admin/usage?month=2026-13")).status).toBe(400);
});
