import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createTestWorkspace,
  type LiveRun,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";
import { sealAnew } from "./key-change.ts";
import { masterKey } from "./secret-box.ts";

const TEST_MS_MAX = 60_000;
const KEY = "sk-mid-run-0001";
const TOKEN = "forge-token-mid-run";
const QUESTION = { model: "scripted-1", messages: [{ role: "user", content: "hi" }] };
const chunk = (content: string) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "scripted-1", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const END = `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "scripted-1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;

/** Of a repository without any: a refusal would make the server ask the forge why. */
const REFS = `001e# service=git-upload-pack\n0000004c${"0".repeat(40)} capabilities^{}\0agent=git/2.39\n0000`;
/** What reached the provider and the forge: the credential of each request. */
const seen: string[] = [];
const rest = Promise.withResolvers<void>();
let upstream: ReturnType<typeof Bun.serve>;
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let live: LiveRun;
beforeAll(async () => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: answer });
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "MID");
  const base_url = `http://127.0.0.1:${upstream.port}`;
  await admin.patch(`/api/v1/connections/${workspace.llm.id}`, { base_url, api_key: KEY });
  const forge = { kind: "git", provider: "forgejo", name: "forge", base_url, token: TOKEN };
  const { id } = await create<Connection>(admin, "/api/v1/workspaces/MID/connections", forge);
  live = await startLiveRun(server, admin, workspace);
  await server.database.kysely
    .updateTable("repositories")
    .set({ connection_id: id })
    .where("id", "=", workspace.repository.id)
    .execute();
}, TEST_MS_MAX);
afterAll(async () => {
  await server?.close();
  await upstream?.stop(true);
}, TEST_MS_MAX);

/** A stream that waits in the middle, for whoever asks for one; else a short answer. */
async function answer(request: Request): Promise<Response> {
  seen.push(request.headers.get("authorization") ?? "");
  if (!request.url.includes("chat/completions"))
    return new Response(REFS, { headers: { "content-type": "application/x-git-upload-pack-advertisement" } });
  if (!(await request.text()).includes('"stream":true'))
    return Response.json({
      id: "1",
      model: "scripted-1",
      choices: [{ index: 0, message: { content: "hi" } }],
    });
  const body = new ReadableStream<Uint8Array>({
    start: async (controller) => {
      controller.enqueue(Buffer.from(chunk("begun")));
      await rest.promise;
      controller.enqueue(Buffer.from(chunk("ended") + END));
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function model(body: object): Promise<Response> {
  return fetch(`${server.url}/api/llm-proxy/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${live.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
async function statusOf(reply: Promise<Response>): Promise<number> {
  const { status, body } = await reply;
  await body?.cancel();
  return status;
}
const git = () =>
  fetch(
    `${server.url}/api/git-proxy/${live.runId}/${workspace.repository.owner}/${workspace.repository.name}.git/info/refs?service=git-upload-pack`,
    { headers: { authorization: `Basic ${btoa(`run:${live.gitToken}`)}` } },
  );

test(
  "F39 a run under way when the key changes under its server: new calls fail closed, the one that streams ends, and all comes back with the key",
  async () => {
    const [old, fresh] = [server.masterKey, masterKey(new Uint8Array(32).fill(99))];
    const streaming = await model({ ...QUESTION, stream: true });
    const reader = streaming.body?.getReader();
    let text = Buffer.from((await reader?.read())?.value ?? []).toString();
    expect([streaming.status, await statusOf(model(QUESTION))]).toEqual([200, 200]);
    expect(await statusOf(git())).toBe(200);
    expect(seen).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`, `Basic ${btoa(`token:${TOKEN}`)}`]);

    // Another server, started with the new key, seals everything anew; this one has the former key alone.
    expect(await sealAnew(server.database, { ...fresh, previous: old })).toBe(3);
    await eventually(
      "the opened key was let go",
      async () => (await statusOf(model(QUESTION))) >= 500,
      10_000,
    );
    seen.length = 0;
    for (const stream of [false, true]) {
      const refused = await model({ ...QUESTION, stream });
      expect(refused.status).toBe(500);
      const said = await refused.text();
      for (const secret of [KEY, old.id, fresh.id, "sealed"]) expect(said).not.toContain(secret);
    }
    expect(await statusOf(git())).toBeGreaterThanOrEqual(500);
    expect((await admin.post<{ ok: boolean }>(`/api/v1/connections/${workspace.llm.id}/check`)).status).toBe(
      500,
    );
    expect(seen).toEqual([]);

    // Nothing else of the run has ended.
    expect((await server.withToken(live.token).get(`/api/v1/items/${live.item.key}`)).status).toBe(200);
    expect((await admin.get(`/api/v1/connections/${workspace.llm.id}`)).status).toBe(200);
    rest.resolve();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
      text += Buffer.from(part.value).toString();
    expect(text).toContain("begun");
    expect(text).toContain("ended");
    expect(text).toEndWith("data: [DONE]\n\n");

    expect(await sealAnew(server.database, { ...old, previous: fresh })).toBe(3);
    expect(await statusOf(model(QUESTION))).toBe(200);
    expect(await statusOf(git())).toBe(200);
    expect(seen).toEqual([`Bearer ${KEY}`, `Basic ${btoa(`token:${TOKEN}`)}`]);
  },
  TEST_MS_MAX,
);
