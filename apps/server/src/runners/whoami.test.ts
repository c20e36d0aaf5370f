import { afterAll, beforeAll, expect, test } from "bun:test";
import type { WhoamiReply } from "@windshift/contract/runner.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, type ErrorReply, type TestHost } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let server: TestServer;
let admin: TestClient;
let host: TestHost;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  host = await addHost(server, admin, await createPool(admin, { name: "hosts" }));
});
afterAll(() => server.close());

const ask = () => host.client.get<WhoamiReply & ErrorReply>("/api/runner/whoami");
const rowsOf = (table: "runners" | "runner_boots") =>
  server.database.kysely.selectFrom(table).selectAll().execute();

test("a runner is told who it is, and asking changes nothing the server knows of it", async () => {
  const before = [await rowsOf("runners"), await rowsOf("runner_boots")];
  const reply = await ask();
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({
    pool: "hosts",
    instance_id: host.registered.instance_id,
    drain: false,
    alert: null,
  });
  expect([await rowsOf("runners"), await rowsOf("runner_boots")]).toEqual(before);
});

test("a revoked runner is told to register again, as in everything else it asks", async () => {
  const [row] = await rowsOf("runners").then((rows) => rows.filter(({ kind }) => kind !== "local"));
  expect((await admin.post(`/api/v1/admin/runners/${row?.id}/revoke`, {})).status).toBe(200);
  const reply = await ask();
  expect([reply.status, reply.body.error.code]).toEqual([401, "unauthenticated"]);
  expect(reply.body.error.message).toContain("register this runner again");
});
