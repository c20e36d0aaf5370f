import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Label, LabelList } from "@windshift/contract/api/label.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { untilAnotherWaits } from "../testing/lock-waits.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create, createItem } from "../testing/test-workspace.ts";
import { changeLabel } from "./label-store.ts";

let server: TestServer;
let admin: TestClient;
const at = "/api/v1/workspaces/LABL/labels";
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  for (const key of ["LABL", "ELSE"]) await create(admin, "/api/v1/workspaces", { key, name: key });
});
afterAll(() => server.close());

test("labels are listed by name with the items that have them", async () => {
  const [zoo, bug] = [
    await create<Label>(admin, at, { name: "Zoo" }),
    await create<Label>(admin, at, { name: "bug", color: "#FF0000" }),
  ];
  await createItem(admin, "LABL", { label_ids: [bug.id] });
  await createItem(admin, "LABL", { label_ids: [bug.id, zoo.id] });
  expect((await admin.get<LabelList>(at)).body.labels).toEqual([
    { id: bug.id, name: "bug", color: "#ff0000", items_count: 2 },
    { id: zoo.id, name: "Zoo", color: "#868e96", items_count: 1 },
  ]);
});

test("a label's name is taken by one that differs in case alone, and the answer names the field", async () => {
  await create(admin, at, { name: "Größe" });
  const reply = await admin.post(at, { name: "GRÖßE" });
  expect([reply.status, reply.body]).toMatchObject([409, { error: { details: [{ path: "name" }] } }]);
  const other = await create<Label>(admin, at, { name: "other" });
  expect((await admin.patch(`${at}/${other.id}`, { name: "größe" })).status).toBe(409);
  expect((await admin.patch(`${at}/${other.id}`, { name: "Other" })).status).toBe(200);
  expect((await admin.post("/api/v1/workspaces/ELSE/labels", { name: "größe" })).status).toBe(201);
});

test("a label takes a colour of six hex digits and one line of a name", async () => {
  for (const body of [
    { name: "x", color: "red" },
    { name: "x", color: "#12345" },
    { name: "" },
    { name: "a\nb" },
    { name: "x".repeat(51) },
    { name: "x", workspace_id: 2 },
  ])
    expect([body, (await admin.post(at, body)).status]).toEqual([body, 400]);
});

test("a label that is deleted is on no item any more", async () => {
  const label = await create<Label>(admin, at, { name: "old" });
  const item = await createItem(admin, "LABL", { label_ids: [label.id] });
  expect(
    (await admin.delete<LabelList>(`${at}/${label.id}`)).body.labels.map(({ name }) => name),
  ).not.toContain("old");
  expect((await admin.get<WorkItemDetail>(`/api/v1/items/${item.key}`)).body.labels).toEqual([]);
  expect((await admin.patch(`${at}/${label.id}`, { name: "new" })).status).toBe(404);
});

test("WB-02 a label of another workspace is none here", async () => {
  const label = await create<Label>(admin, "/api/v1/workspaces/ELSE/labels", { name: "theirs" });
  expect((await admin.patch(`${at}/${label.id}`, { name: "mine" })).status).toBe(404);
  expect((await admin.delete(`${at}/${label.id}`)).status).toBe(404);
});

test("of two labels that are given one name at once, one has it", async () => {
  const [one, two] = [
    await create<Label>(admin, at, { name: "one" }),
    await create<Label>(admin, at, { name: "two" }),
  ];
  const { database } = server;
  const { workspace_id: workspaceId } = await database.kysely
    .selectFrom("labels")
    .select("workspace_id")
    .where("id", "=", one.id)
    .executeTakeFirstOrThrow();
  const begun = Promise.withResolvers<void>();
  const first = changeLabel(
    {
      ...database,
      transaction: (work) =>
        database.transaction(async (tx) => {
          const result = await work(tx);
          begun.resolve();
          await untilAnotherWaits(database, tx);
          return result;
        }),
    },
    workspaceId,
    one.id,
    { name: "Same" },
  );
  await begun.promise;
  const second = await admin.patch(`${at}/${two.id}`, { name: "same" });
  expect((await first).name).toBe("Same");
  expect([second.status, second.body]).toMatchObject([409, { error: { details: [{ path: "name" }] } }]);
});
