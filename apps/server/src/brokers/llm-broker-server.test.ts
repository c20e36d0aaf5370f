import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { assert } from "@windshift/contract/app-error.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { sealAnew } from "../secrets/key-change.ts";
import { masterKey } from "../secrets/secret-box.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  createTestWorkspace,
  type LiveRun,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";

setDefaultTimeout(30_000);
const KEYS = { ONE: "sk-of-workspace-one-4711aa", TWO: "sk-of-workspace-two-0815bb" };
const ASK = { messages: [{ role: "user", content: "the same question" }], max_tokens: 10 };
const PATHS = ["/api/llm-proxy/v1/chat/completions", "/api/llm-proxy/v1/messages"];
const WORD = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "word" } }] })}\n\n`;
const ENDING = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\ndata: [DONE]\n\n`;

/** A provider that says what key it was sent, in every place where one can; or streams as the test writes. */
class EchoProvider {
  readonly seen: { path: string; key: string; body: string }[] = [];
  /** What it does next. */
  answer: "reply" | "error" | "stream" | "redirect" | "held" = "reply";
  streams: { write(text: string): void; close(): void; gone: boolean }[] = [];
  private readonly server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request) => {
      const key = request.headers.get("x-api-key") ?? request.headers.get("authorization")?.slice(7) ?? "";
      this.seen.push({ path: new URL(request.url).pathname, key, body: await request.text() });
      return this.reply(key);
    },
  });

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  close(): Promise<void> {
    return this.server.stop(true);
  }

  private reply(key: string): Response {
    const headers = { "X-Request-Id": key, "Retry-After": key, Authorization: `Bearer ${key}` };
    switch (this.answer) {
      case "reply":
        return Response.json({ choices: [{ message: { content: `you sent ${key}` } }] }, { headers });
      case "error":
        return Response.json({ error: { message: `the key ${key} is bad` } }, { status: 401, headers });
      case "stream":
        return new Response(WORD.replace("word", `you sent ${key}`) + ENDING, {
          headers: { ...headers, "Content-Type": "text/event-stream" },
        });
      case "redirect":
        return Response.redirect(`http://127.0.0.1:1/?key=${key}`, 307);
      case "held":
        return this.held();
    }
  }

  private held(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const stream = {
          gone: false,
          write: (text: string) => controller.enqueue(Buffer.from(text)),
          close: () => controller.close(),
        };
        this.streams.push(stream);
        stream.write(WORD);
      },
      cancel: () => {
        for (const stream of this.streams) stream.gone = true;
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}

let server: TestServer;
let admin: TestClient;
let one: TestWorkspace;
let two: TestWorkspace;
const provider = new EchoProvider();
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  one = await createTestWorkspace(admin, "ONE");
  two = await createTestWorkspace(admin, "TWO");
  for (const { key, llm } of [one, two]) {
    const change = { base_url: provider.url, api_key: KEYS[key as keyof typeof KEYS] };
    expect((await admin.patch(`/api/v1/connections/${llm.id}`, change)).status).toBe(200);
  }
});
afterAll(async () => {
  await server.close();
  await provider.close();
});

function call(run: LiveRun, body: object = ASK, path = PATHS[0]): Promise<Response> {
  return fetch(server.url + path, {
    method: "POST",
    headers: { Authorization: `Bearer ${run.token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function streamOf(
  run: LiveRun,
): Promise<{ text: Promise<string>; stream: EchoProvider["streams"][number] }> {
  provider.answer = "held";
  provider.streams = [];
  const response = await call(run, { ...ASK, stream: true });
  expect(response.status).toBe(200);
  const [stream] = provider.streams;
  assert(stream !== undefined, "the provider was called");
  return { text: response.text(), stream };
}

/** Everything that the database holds, as text. */
async function dump(): Promise<string> {
  const { kysely } = server.database;
  const tables = await kysely.introspection.getTables();
  const rows = tables.map(({ name }) =>
    kysely
      .selectFrom(name as "runs")
      .selectAll()
      .execute(),
  );
  return JSON.stringify(await Promise.all(rows));
}

test("LB-05 LB-18 a provider that echoes the key puts it in no answer, log line or row, of either workspace", async () => {
  const runs = [await startLiveRun(server, admin, one), await startLiveRun(server, admin, two)];
  const shown: string[] = [];
  for (const answer of ["reply", "error", "stream", "redirect"] as const) {
    provider.answer = answer;
    for (const run of runs) {
      const response = await call(run, { ...ASK, stream: answer === "stream" });
      shown.push(JSON.stringify([...response.headers]) + (await response.text()));
    }
  }
  await server.holds.flush();
  // Each workspace's calls went out with its own key, and all else of them is the same.
  expect(provider.seen.map(({ key }) => key)).toEqual(Array(4).fill([KEYS.ONE, KEYS.TWO]).flat());
  expect(new Set(provider.seen.slice(0, 2).map(({ path, body }) => path + body)).size).toBe(1);
  expect(shown.filter((text) => text.includes("you sent [redacted]"))).toHaveLength(4);
  const stored = await dump();
  expect(stored).toContain("scripted-1"); // there are rows in it
  for (const key of Object.values(KEYS)) {
    expect(shown.join()).not.toContain(key);
    expect(server.logLines.join("\n")).not.toContain(key);
    expect(stored).not.toContain(key);
  }
  // What was asked is nobody's to keep, either.
  expect(stored).not.toContain("the same question");
});

test("LB-17 the model broker is reached by one route, which no middleware or other route stands in for", async () => {
  const routes = server.table.entries.filter(
    ({ path }) => /llm|v1\/(chat|messages)/.test(path) && !path.startsWith("/api/v1/"),
  );
  expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /api/llm-proxy/*"]);
  const run = await startLiveRun(server, admin, one);
  provider.answer = "reply";
  const before = provider.seen.length;
  for (const path of [
    "/v1/chat/completions",
    "/v1/messages",
    "/api/v1/chat/completions",
    "/llm-proxy/v1/chat/completions",
  ]) {
    expect([path, (await call(run, ASK, path)).status]).toEqual([path, 404]);
  }
  const stranger = { ...run, token: `wsrun_${"a".repeat(43)}` };
  for (const path of PATHS) expect((await call(stranger, ASK, path)).status).toBe(401);
  const person = await admin.post(PATHS[0] ?? "", ASK); // signed in, and yet no run
  expect(person.status).toBe(401);
  expect(provider.seen).toHaveLength(before);
  expect((await call(run)).status).toBe(200);
});

test("LB-15 a canceled run's stream is cut within two seconds, its provider let go, and its token dead", async () => {
  const run = await startLiveRun(server, admin, one);
  const { text, stream } = await streamOf(run);
  const startedMs = performance.now();
  expect((await admin.post(`/api/v1/agent-runs/${run.runId}/cancel`)).status).toBeLessThan(300);
  expect(await text).toContain("run_ended");
  await eventually("the provider sees the connection close", () => stream.gone, 2_000);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect([401, 403]).toContain((await call(run)).status);
});

describe("F39 the master key is changed under a running server", () => {
  test("new calls to providers fail closed; what streams goes on, and the run lives", async () => {
    const run = await startLiveRun(server, admin, one);
    const { text, stream } = await streamOf(run);
    const before = provider.seen.length;
    const own = server.masterKey;
    const fresh = masterKey(new Uint8Array(32).fill(9));
    // Another server, started with the new key, seals everything anew; this one has the old key only.
    expect(await sealAnew(server.database, { ...fresh, previous: own })).toBeGreaterThan(0);
    provider.answer = "reply";
    const refused = await eventually("an opened key is not used any more", async () => {
      const response = await call(run);
      return response.ok ? undefined : response;
    });
    const known = provider.seen.length;
    const body = await refused.text();
    expect([refused.status, body]).toEqual([500, expect.stringContaining("internal")]);
    expect(body).not.toContain("sk-");
    for (let turn = 0; turn < 5; turn++) expect((await call(run)).status).toBe(500);
    expect(provider.seen).toHaveLength(known); // nothing left without its key
    expect(known).toBeGreaterThanOrEqual(before);

    stream.write(WORD);
    stream.write(ENDING);
    stream.close();
    expect(await text).toBe(WORD + WORD + ENDING);
    const shown = await admin.get<{ status: string }>(`/api/v1/agent-runs/${run.runId}`);
    expect(shown.body.status).toMatch(/^(claimed|running)$/);

    // With the key given back the same run goes on.
    await sealAnew(server.database, { ...own, previous: fresh });
    await eventually("calls go out again", async () => (await call(run)).ok);
    expect(provider.seen.at(-1)?.key).toBe(KEYS.ONE);
    for (const key of Object.values(KEYS)) expect(server.logLines.join("\n")).not.toContain(key);
  });
});
