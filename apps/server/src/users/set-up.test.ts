import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

// Hashes of passwords take long on a loaded machine.
setDefaultTimeout(60_000);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ realPasswords: true });
});
afterAll(() => server.close());

test("WB-25 of many browsers that set up at once one wins, and the door is closed for good", async () => {
  const person = (n: number) => ({
    name: `P${n}`,
    email: `p${n}@example.test`,
    password: "correct horse battery",
  });
  const replies = await Promise.all(
    [1, 2, 3, 4, 5].map((n) => server.stranger().post("/api/v1/setup", person(n))),
  );
  expect(replies.map((r) => r.status).sort()).toEqual([201, 409, 409, 409, 409]);
  const people = await server.database.kysely.selectFrom("user").selectAll().execute();
  expect(people.map((p) => p.admin)).toEqual([1]);
  await server.database.kysely.updateTable("user").set({ admin: 0 }).execute();
  expect((await server.stranger().post("/api/v1/setup", person(6))).status).toBe(409);
});
