import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { SessionView } from "@windshift/contract/api/user.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../testing/test-client.ts";
import { signInAs, startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createTestWorkspace, type LiveRun, startLiveRun } from "../testing/test-workspace.ts";

/** A stream asks for its reader's right every 4 s; a loaded machine may take longer, ms. */
const CLOSED_MS_MAX = 20_000;
const TEST_MS_MAX = 60_000;

let server: TestServer;
let admin: TestClient;
let live: LiveRun;
let people = 0;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  live = await startLiveRun(server, admin, await createTestWorkspace(admin, "MAIN"));
}, TEST_MS_MAX);
afterAll(() => server.close());

/** What can be watched of a workspace, and what of oneself. */
const OF_WORKSPACE = [
  () => `/api/v1/agent-runs/${live.runId}/events/stream`,
  () => "/api/v1/workspaces/MAIN/changes/stream",
];
const OWN = () => "/api/v1/notifications/stream";

async function member(): Promise<{ id: string; client: TestClient; email: string }> {
  people += 1;
  const name = `Watcher${people}`;
  const made = await server.addPerson(admin, name);
  await admin.post("/api/v1/workspaces/MAIN/members", { user_id: made.id, role: "viewer" });
  return { ...made, email: `${name.toLowerCase()}@example.test` };
}

/** An open stream that somebody reads. */
async function watch(client: TestClient, path: string): Promise<{ path: string; ended: () => boolean }> {
  const response = await fetch(server.url + path, { headers: client.headers() });
  expect([path, response.status]).toEqual([path, 200]);
  let ended = false;
  const read = async () => {
    for await (const _ of response.body ?? []);
  };
  read().then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  return { path, ended: () => ended };
}

const closed = (streams: { path: string; ended: () => boolean }[]) =>
  eventually("the streams to end", () => streams.every(({ ended }) => ended()), CLOSED_MS_MAX);

// At once: each waits for the next look at its reader's right.
describe.concurrent("WB-03 open streams end", () => {
  test(
    "when the membership ends, those of that workspace only",
    async () => {
      const { id, client } = await member();
      const streams = await Promise.all(OF_WORKSPACE.map((path) => watch(client, path())));
      const own = await watch(client, OWN());
      await admin.delete(`/api/v1/workspaces/MAIN/members/${id}`);
      await closed(streams);
      expect(own.ended()).toBe(false);
    },
    TEST_MS_MAX,
  );

  test(
    "when the session is ended elsewhere, and those of another session go on",
    async () => {
      const { client, email } = await member();
      const other = await signInAs(server.stranger(), email);
      const paths = [...OF_WORKSPACE, OWN].map((path) => path());
      const streams = await Promise.all(paths.map((path) => watch(client, path)));
      const kept = await watch(other, OWN());
      const { body } = await client.get<{ sessions: SessionView[] }>("/api/v1/me/sessions");
      const current = body.sessions.find((session) => session.current)?.id;
      expect((await other.delete(`/api/v1/me/sessions/${current}`)).status).toBe(204);
      await closed(streams);
      expect(kept.ended()).toBe(false);
    },
    TEST_MS_MAX,
  );

  test(
    "when the person is disabled, by session and by API token",
    async () => {
      const { id, client } = await member();
      const { token } = await create<{ token: string }>(client, "/api/v1/tokens", {
        name: "watch",
        scopes: ["read"],
      });
      const paths = [...OF_WORKSPACE, OWN].map((path) => path());
      const callers = [client, server.withToken(token)];
      const streams = await Promise.all(callers.flatMap((each) => paths.map((path) => watch(each, path))));
      expect((await admin.patch(`/api/v1/admin/users/${id}`, { disabled: true })).status).toBe(200);
      await closed(streams);
    },
    TEST_MS_MAX,
  );

  test(
    "WB-26 when the API token is deleted",
    async () => {
      const { client } = await member();
      const made = await create<{ id: number; token: string }>(client, "/api/v1/tokens", { name: "watch" });
      const paths = [...OF_WORKSPACE, OWN].map((path) => path());
      const streams = await Promise.all(paths.map((path) => watch(server.withToken(made.token), path)));
      const kept = await watch(client, OWN());
      expect((await client.delete(`/api/v1/tokens/${made.id}`)).status).toBe(204);
      await closed(streams);
      expect(kept.ended()).toBe(false);
    },
    TEST_MS_MAX,
  );
});
