import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "kysely";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { DENIED_ROWS_MAX, DeniedCalls } from "./denied-calls.ts";

setDefaultTimeout(60_000);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const denied = (run: number, attempt: number) =>
  server.database.kysely
    .selectFrom("audit_log")
    .select("subject")
    .where("actor", "=", `run ${run} attempt ${attempt}`)
    .where("action", "=", "run.denied")
    .execute();

test("of the denied calls of an attempt so many are kept, by every server, and those of another one beside", async () => {
  const { kysely } = server.database;
  const calls = new DeniedCalls(kysely);
  for (let call = 0; call < DENIED_ROWS_MAX + 5; call += 1)
    await calls.record({ runId: 7, attempt: 1, workspaceId: 1 }, "GET", `/api/v1/items/X-${call}`);
  await new DeniedCalls(kysely).record({ runId: 7, attempt: 1, workspaceId: 1 }, "GET", "/api/v1/late");
  await calls.record({ runId: 7, attempt: 2, workspaceId: 1 }, "GET", "/api/v1/items/é");
  expect((await denied(7, 1)).map(({ subject }) => subject)).toEqual(
    Array.from({ length: DENIED_ROWS_MAX }, (_, call) => `GET /api/v1/items/X-${call}`),
  );
  expect(await denied(7, 2)).toEqual([{ subject: "GET /api/v1/items/%C3%A9" }]);
});

test("an attempt that has all its lines is not looked up again", async () => {
  const { kysely } = server.database;
  const asked: string[] = [];
  const calls = new DeniedCalls(
    kysely.withPlugin({
      transformQuery: ({ node }) => {
        asked.push(node.kind);
        return node;
      },
      transformResult: async ({ result }) => result,
    }),
  );
  const again = () => calls.record({ runId: 7, attempt: 1, workspaceId: 1 }, "GET", "/api/v1/again");
  await again();
  expect(asked).toEqual(["SelectQueryNode"]);
  await again();
  expect(asked).toEqual(["SelectQueryNode"]);
});

test("the count goes by an index, however long the log is", async () => {
  const { engine, kysely } = server.database;
  const counting = sql.raw(
    "select count(*) from audit_log where actor = 'run 7 attempt 1' and action = 'run.denied'",
  );
  // In PostgreSQL a short table is read whole unless that is not allowed.
  const plan = await kysely.transaction().execute(async (tx) => {
    if (engine === "postgres") await sql`set local enable_seqscan = off`.execute(tx);
    return (
      await sql`${sql.raw(engine === "sqlite" ? "explain query plan" : "explain")} ${counting}`.execute(tx)
    ).rows;
  });
  expect(JSON.stringify(plan)).toContain("audit_log_actor");
});
