import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";
import { RefusalLog } from "./refusal-log.ts";
import { takeDelivery, type WebhookPorts } from "./webhook.ts";

let server: TestServer;
let ports: WebhookPorts;
let connection: ConnectionWithSecret;
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
beforeAll(async () => {
  server = await startTestServer();
  const admin = await server.setUp();
  await create(admin, "/api/v1/workspaces", { key: "HOOKS", name: "Hooks" });
  connection = await create<ConnectionWithSecret>(admin, "/api/v1/workspaces/HOOKS/connections", {
    kind: "git",
    provider: "gitlab",
    name: "forge",
    token: "glpat-0000000000000000",
  });
  const { database, masterKey, forgeClients } = server;
  ports = { database, masterKey, forgeClients, refusals: new RefusalLog(quiet) };
});
afterAll(() => server.close());

const payload = new TextEncoder().encode(
  JSON.stringify({
    object_kind: "merge_request",
    project: { path_with_namespace: "acme/shop" },
    object_attributes: { iid: 1, action: "update" },
  }),
);
const delivery = (body: () => Promise<Uint8Array> = async () => payload) => ({
  headers: {
    "x-gitlab-token": connection.webhook_secret ?? "",
    "x-gitlab-event": "Merge Request Hook",
    "x-gitlab-event-uuid": "11111111-2222-3333-4444-555555555555",
    "content-type": "application/json",
  },
  body,
});

test("the body of a delivery for a connection that does not exist is not read", async () => {
  let reads = 0;
  const body = async () => {
    reads += 1;
    return payload;
  };
  for (const id of [undefined, connection.id + 1])
    await expect(takeDelivery(ports, id, delivery(body))).rejects.toThrow("not accepted");
  expect(reads).toBe(0);
});

test("a delivery that could not be acted on is taken when it is sent again", async () => {
  const { schema } = server.database.kysely;
  await schema.alterTable("pull_requests").renameTo("pull_requests_gone").execute();
  await expect(takeDelivery(ports, connection.id, delivery())).rejects.toThrow();
  await schema.alterTable("pull_requests_gone").renameTo("pull_requests").execute();
  expect(await takeDelivery(ports, connection.id, delivery())).toBe("ignored");
  expect(await takeDelivery(ports, connection.id, delivery())).toBe("known");
});
