import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TestClient } from "../testing/test-client.ts";
import type { TestServer } from "../testing/test-server.ts";
import { createItem, createTestWorkspace, startLiveRun } from "../testing/test-workspace.ts";
import { openTestPullRequest, startWebServer } from "./web.fixture.ts";

let server: TestServer;
let ada: TestClient;
let grace: TestClient;
let item: string;
let pull: string;
beforeAll(async () => {
  server = await startWebServer();
});
afterAll(() => server.close());

test("WB-25 the set-up page is there until somebody is, and then never again", async () => {
  const before = await server.stranger().get("/");
  expect([before.status, before.headers.get("location")]).toEqual([302, "/setup"]);
  expect((await server.stranger().get("/setup")).text).toContain("Create administrator");
  ada = await server.setUp();
  const after = await server.stranger().get("/setup");
  expect([after.status, after.headers.get("location")]).toEqual([302, "/"]);
});

describe("with a workspace", () => {
  beforeAll(async () => {
    const workspace = await createTestWorkspace(ada, "DEMO");
    const run = await startLiveRun(server, ada, workspace);
    item = `/items/${run.item.key}`;
    const change = { title: "Change", body: "", message: "Change", files: { "a.txt": "three\n" } };
    pull = (await openTestPullRequest(server, workspace, run, change)).url;
    const person = await server.addPerson(ada, "Grace");
    grace = person.client;
    await createTestWorkspace(ada, "OTHER");
    const added = await ada.post("/api/v1/workspaces/OTHER/members", { user_id: person.id, role: "viewer" });
    expect(added.status).toBe(200);
  });

  test("who is not signed in is led to the sign-in page and back", async () => {
    for (const path of [item, pull]) {
      const reply = await server.stranger().get(path);
      expect([reply.status, reply.headers.get("location")]).toEqual([
        302,
        `/login?next=${encodeURIComponent(path)}`,
      ]);
      expect((await server.stranger().get(`/login?next=${path}`)).text).toContain(`data-then="${path}"`);
    }
  });

  test("WB-08 sign-in leads to our own pages only", async () => {
    for (const next of [
      "https://evil.test/",
      "//evil.test",
      "/\\evil.test",
      "javascript:alert(1)",
      "/items/../x",
    ]) {
      const { text } = await server.stranger().get(`/login?next=${encodeURIComponent(next)}`);
      expect(text).toContain('data-then="/"');
    }
  });

  test("WB-02 a page of another workspace looks like one that does not exist", async () => {
    const missing = await grace.get("/items/NONE-1");
    for (const path of [item, pull, "/items/DEMO-999", "/pull-requests/999"]) {
      const reply = await grace.get(path);
      expect([reply.status, reply.text]).toEqual([404, missing.text]);
    }
    expect((await grace.get("/")).text).not.toContain("DEMO");
  });

  test("a viewer sees the item without what would change it", async () => {
    const { key } = await createItem(ada, "OTHER", { title: "Look but do not touch" });
    const forms = (text: string) => [...text.matchAll(/data-api="([^"]+)"/g)].map((match) => match[1]);
    expect(forms((await grace.get(`/items/${key}`)).text)).toEqual(["/api/auth/sign-out"]);
    expect(forms((await ada.get(`/items/${key}`)).text)).toContain(`/api/v1/items/${key}/comments`);
  });

  test("WB-22 every page forbids inline script and style, has none, and is kept by no cache", async () => {
    for (const path of [
      "/",
      item,
      pull,
      "/items/NONE-1",
      "/workspaces/DEMO/settings",
      "/workspaces/DEMO/budgets",
    ]) {
      const { headers, text } = await ada.get(path);
      expect(headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?! type="module" src="\/assets\/)/);
    }
  });

  test("a link from elsewhere opens a page, but not the API behind it", async () => {
    const fromElsewhere = { origin: "", "sec-fetch-site": "cross-site" };
    expect((await ada.get(item, fromElsewhere)).status).toBe(200);
    expect((await ada.get(`/api/v1${item}`, fromElsewhere)).status).toBe(403);
  });

  test("links of ours stay on the address the reader came by", async () => {
    expect((await ada.get(item)).text).toContain(`href="${pull}"`);
  });
});

test("assets are asked for again each time and sent only when they changed", async () => {
  for (const name of ["app.css", "app.js", "forms.js", "transcript.js", "icon.svg"]) {
    const first = await server.stranger().get(`/assets/${name}`);
    expect(first.status).toBe(200);
    expect(first.text.length).toBeGreaterThan(100);
    const etag = first.headers.get("etag") ?? "";
    const again = await server.stranger().get(`/assets/${name}`, { "if-none-match": etag });
    expect([again.status, again.text]).toEqual([304, ""]);
  }
  expect((await server.stranger().get("/assets/web-routes.tsx")).status).toBe(404);
});
