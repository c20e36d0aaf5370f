import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { AuditLine, AuditPage } from "@windshift/contract/api/audit.ts";
import { sql } from "kysely";
import { findNewestFirst } from "../db/newest-first.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";
import { listAudit } from "./audit-list.ts";
import { record } from "./audit-store.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
let admin: TestClient;
let adminId: string;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  adminId = (await admin.get<{ id: string }>("/api/v1/me")).body.id;
  for (const key of ["TEAM", "OTHER"]) {
    await create(admin, "/api/v1/workspaces", { key, name: key });
    await create(admin, `/api/v1/workspaces/${key}/agents`, { name: `Robin of ${key}` });
  }
});
afterAll(() => server.close());

const AT = "/api/v1/admin/audit";
const list = async (query = "") => (await admin.get<AuditPage>(`${AT}?${query}`)).body;
const actions = async (query: string) => (await list(query)).entries.map((line) => line.action);

/** What an attacker types where it ends up in the log. */
const HOSTILE =
  '=HYPERLINK("http://evil.example","x")\r\n{"action":"user.made_admin"}\u001b[2J\u009b31m\u202e\u{e0041}evil';
const plant = (subject: string, workspaceId: number | null = null) =>
  record(server.database.kysely, {
    workspaceId,
    actor: { user: adminId },
    action: "test.planted",
    subject,
    data: { text: subject },
  });

describe("the audit log", () => {
  test("says who did what to what, newest first", async () => {
    const [line] = (await list("action=agent.created")).entries;
    expect(line).toMatchObject({
      workspace: "OTHER",
      actor: { kind: "user", id: adminId, name: "Ada" },
      action: "agent.created",
      subject: expect.stringMatching(/^user /),
    });
    const ids = (await list()).entries.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  });

  test("is filtered by actor, noun or action, workspace, day and text", async () => {
    expect(new Set(await actions("action=agent"))).toEqual(new Set(["agent.created"]));
    expect(await actions("action=agen")).toEqual([]);
    expect(await actions("workspace=TEAM")).toEqual(["agent.created", "workspace.created"]);
    expect(await actions("workspace=TEAM&action=workspace")).toEqual(["workspace.created"]);
    expect((await actions(`actor=${adminId}`)).length).toBeGreaterThan(4);
    expect(await actions("actor=runner%201")).toEqual([]);
    const today = new Date().toISOString().slice(0, 10);
    expect((await actions(`from=${today}&to=${today}`)).length).toBeGreaterThan(4);
    expect(await actions("to=2020-01-01")).toEqual([]);
    await plant("100% of_it");
    expect(await actions("q=100%25%20OF_IT")).toEqual(["test.planted"]);
    expect(await actions("q=100%25%20of%25it")).toEqual([]);
  });

  test("is read page by page to its end", async () => {
    const seen: number[] = [];
    let before = "";
    for (let page = await list("limit=3"); ; page = await list(`limit=3${before}`)) {
      seen.push(...page.entries.map(({ id }) => id));
      if (page.next_before === null) break;
      before = `&before=${page.next_before}`;
    }
    const rows = await server.database.kysely.selectFrom("audit_log").select("id").execute();
    expect(seen.toSorted((a, b) => a - b)).toEqual(rows.map(({ id }) => id).toSorted((a, b) => a - b));
  });

  test("WB-16 is searched for text that looks like something else", async () => {
    for (const q of ["' or '1'='1", "%", "_____", "\\", `${"%a".repeat(90)}%`]) {
      const reply = await admin.get<AuditPage>(`${AT}?q=${encodeURIComponent(q)}&workspace=OTHER`);
      expect([q, reply.status, reply.body.entries.length]).toEqual([q, 200, 0]);
    }
    for (const query of ["action=x%27", "from=yesterday", "limit=9999", `q=${"x".repeat(201)}`])
      expect((await admin.get(`${AT}?${query}`)).status).toBe(400);
  });

  test("of a workspace shows that one to its admins only", async () => {
    const { id, client } = await server.addPerson(admin, "Boss");
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "admin" });
    const page = await client.get<AuditPage>("/api/v1/workspaces/TEAM/audit");
    expect(new Set(page.body.entries.map((line) => line.workspace))).toEqual(new Set(["TEAM"]));
    expect(
      (await client.get<AuditPage>("/api/v1/workspaces/TEAM/audit?workspace=OTHER")).body.entries,
    ).toEqual([]);
    expect((await client.get("/api/v1/workspaces/OTHER/audit")).status).toBe(404);
    expect((await client.get(AT)).status).toBe(403);
    const file = await client.get("/api/v1/workspaces/TEAM/audit/export.jsonl");
    expect(file.text).not.toContain("OTHER");
    await admin.post("/api/v1/workspaces/TEAM/members", { user_id: id, role: "member" });
    expect((await client.get("/api/v1/workspaces/TEAM/audit")).status).toBe(403);
  });
});

describe("WB-18 what is in the audit log", () => {
  test("is changed and deleted by nobody, not even over the server's own connection", async () => {
    await plant("kept");
    const db = server.database.kysely;
    const tries = [
      sql`delete from audit_log`,
      sql`delete from audit_log where id = 1`,
      sql`update audit_log set subject = 'x'`,
      sql`update audit_log set actor = 'system' where id = 1`,
      ...(server.database.engine === "postgres" ? [sql`truncate audit_log`] : []),
    ];
    const before = await db.selectFrom("audit_log").selectAll().orderBy("id").execute();
    for (const change of tries) {
      const refused = await change.execute(db).then(
        () => "done",
        (error: Error) => error.message,
      );
      expect(refused).toContain("the audit log is only added to");
    }
    expect(await db.selectFrom("audit_log").selectAll().orderBy("id").execute()).toEqual(before);
  });

  test("breaks no line, colours no terminal and is no formula when it is exported", async () => {
    for (const start of ["=", "+", "-", "@", "\t", "\r"]) await plant(`${start}1+1`);
    await plant(HOSTILE);
    const jsonl = await admin.get(`${AT}/export.jsonl?action=test.planted&q=hyperlink`);
    expect(jsonl.headers.get("content-disposition")).toMatch(/^attachment; filename="audit-[\d-]+\.jsonl"$/);
    expect(jsonl.headers.get("x-content-type-options")).toBe("nosniff");
    const lines = jsonl.text.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect((JSON.parse(lines[0] ?? "") as AuditLine).subject).toBe(HOSTILE);
    const csv = await admin.get(`${AT}/export.csv?action=test.planted`);
    for (const text of [jsonl.text, csv.text])
      expect(text.replaceAll("\r\n", "").replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const rows = csv.text.trimEnd().split("\r\n").slice(1);
    expect(rows.length).toBeGreaterThan(6);
    for (const row of rows)
      for (const cell of row.slice(1, -1).split('","')) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    expect(csv.text).toContain(`"'=HYPERLINK(""http://evil.example""`);
  });

  test("is exported whole, however much it is, and the export is in the log", async () => {
    const rows = Array.from({ length: 1_203 }, (_, n) => ({
      at_ms: 1_000 + n,
      workspace_id: null,
      actor: "system",
      action: "test.many",
      subject: `line ${n}`,
      data: "{}",
    }));
    for (let at = 0; at < rows.length; at += 100)
      await server.database.kysely
        .insertInto("audit_log")
        .values(rows.slice(at, at + 100))
        .execute();
    const { text } = await admin.get(`${AT}/export.jsonl?action=test.many`);
    const subjects = text
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as AuditLine).subject);
    expect(new Set(subjects).size).toBe(1_203);
    expect((await list("action=audit.exported")).entries[0]).toMatchObject({ data: { format: "jsonl" } });
  });
});

describe("a search in a long log", () => {
  const LINES = 50_000;
  beforeAll(async () => {
    const rows = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${LINES})
      insert into audit_log (at_ms, workspace_id, actor, action, subject, data)
      select 1000, null, 'user crowd', 'test.bulk', 'crowd ' || i, '{}' from n`;
    await plant("needle in the hay");
    await sql.raw(rows).execute(server.database.kysely);
  });

  test("finds what lies far back, and once, over its pages", async () => {
    expect(await actions("q=NEEDLE%20in")).toEqual(["test.planted"]);
    expect((await list("q=crowd%201777&limit=200")).entries.map(({ subject }) => subject)).toEqual([
      ...Array.from({ length: 10 }, (_, n) => `crowd ${17_779 - n}`),
      "crowd 1777",
    ]);
    const first = await list("actor=crowd&limit=2");
    expect(first.entries.map(({ subject }) => subject)).toEqual(["crowd 50000", "crowd 49999"]);
    const next = await list(`actor=crowd&limit=2&before=${first.next_before}`);
    expect(next.entries.map(({ subject }) => subject)).toEqual(["crowd 49998", "crowd 49997"]);
  });

  test("lets others work meanwhile, and is given up after its time", async () => {
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const found = await listAudit(server.database, { filter: { q: "nowhere to be found" }, limit: 50 });
    over = true;
    expect(found).toEqual([]);
    // One turn between any two windows of the log; PostgreSQL looks through it by itself.
    expect(turns).toBeGreaterThanOrEqual(server.database.engine === "sqlite" ? LINES / 2_000 : 1);
    const late = findNewestFirst({ to: LINES, limit: 1, withinMs: -1 }, async () => []);
    await expect(late).rejects.toMatchObject({ code: "timed_out" });
  });
});
