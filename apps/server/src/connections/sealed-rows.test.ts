import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import type { ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import { sql } from "kysely";
import type { Row } from "../db/schema.ts";
import { SEALED_COLUMNS } from "../secrets/key-change.ts";
import { countUses, KEY_USES_MAX, readUses } from "../secrets/key-uses.ts";
import { keyIdOf } from "../secrets/secret-box.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { create } from "../testing/test-workspace.ts";
import { openSecret, openWebhookSecret } from "./connection-secret.ts";
import { getConnectionRow } from "./connection-store.ts";

const TOKEN = "ghp_thesametokentwice001";
const TAMPERED = "was changed, or moved";
const COLUMNS = ["secret_sealed", "webhook_secret_sealed"] as const;
let server: TestServer;
let admin: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  for (const key of ["SEAL", "OTHER"]) await create(admin, "/api/v1/workspaces", { key, name: key });
});
afterAll(() => server.close());

let made = 0;
const connect = async (workspace: string, more: object) =>
  (
    await create<ConnectionWithSecret>(admin, `/api/v1/workspaces/${workspace}/connections`, {
      name: `connection ${made++}`,
      ...more,
    })
  ).id;
const github = (workspace: string, credential: object = { token: TOKEN }) =>
  connect(workspace, { kind: "git", provider: "github", ...credential });
const llm = (workspace: string) =>
  connect(workspace, { kind: "llm", base_url: "https://llm.example", api_key: TOKEN });
const row = (id: number) => getConnectionRow(server.database.kysely, id);
const change = (id: number, values: Partial<Row<"connections">>) =>
  server.database.kysely.updateTable("connections").set(values).where("id", "=", id).execute();

/** What the server does with a stored value when it needs it. */
const openers = {
  secret_sealed: async (id: number) => openSecret(server.masterKey, await row(id)),
  webhook_secret_sealed: async (id: number) => openWebhookSecret(server.masterKey, await row(id)),
};
async function expectTampered(id: number, column: (typeof COLUMNS)[number]): Promise<void> {
  await expect(openers[column](id)).rejects.toThrow(TAMPERED);
}

describe("WB-11 the secrets in the table of connections", () => {
  for (const column of COLUMNS)
    test(`cannot be opened once two rows have changed their ${column}`, async () => {
      const ids = [await github("SEAL"), await github("SEAL")] as const;
      const [one, two] = [await row(ids[0]), await row(ids[1])];
      await change(one.id, { [column]: two[column] });
      await change(two.id, { [column]: one[column] });
      for (const id of ids) await expectTampered(id, column);
      for (const { id, [column]: own } of [one, two]) {
        await change(id, { [column]: own });
        expect(await openers[column](id)).toBeTruthy();
      }
    });

  test("cannot be opened from another column of their own row", async () => {
    const { id, secret_sealed, webhook_secret_sealed } = await row(await github("SEAL"));
    await change(id, { secret_sealed: webhook_secret_sealed, webhook_secret_sealed: secret_sealed });
    for (const column of COLUMNS) await expectTampered(id, column);
  });

  for (const column of COLUMNS)
    test(`cannot be opened with any bit of ${column} flipped`, async () => {
      const id = await github("SEAL");
      const sealed = (await row(id))[column] ?? "";
      const [version = "", key = "", nonce = "", text = ""] = sealed.split(".");
      const flips = [
        ...flipsOf(nonce).map((bad) => [version, key, bad, text]),
        ...flipsOf(text).map((bad) => [version, key, nonce, bad]),
      ];
      expect(flips.length).toBe((12 + 16 + Buffer.from(text, "base64url").length - 16) * 8);
      for (const parts of flips) {
        const { [column]: _, ...rest } = await row(id);
        const bad = { ...rest, [column]: parts.join(".") } as Row<"connections">;
        const opened = () =>
          column === "secret_sealed"
            ? openSecret(server.masterKey, bad)
            : openWebhookSecret(server.masterKey, bad);
        expect(opened).toThrow(TAMPERED);
      }
      // One of them through the table, as an attacker would; and a key id or version that is not ours.
      await change(id, { [column]: flips[5]?.join(".") ?? "" });
      await expectTampered(id, column);
      for (const parts of [
        ["v2", key, nonce, text],
        [version, "00000000", nonce, text],
      ]) {
        await change(id, { [column]: parts.join(".") });
        await expect(openers[column](id)).rejects.toThrow(/is not a sealed value|was sealed with the key/);
      }
    });

  test("cannot be opened in another workspace: neither when the row is moved there nor when it is copied", async () => {
    const ids = [await github("SEAL"), await llm("SEAL")];
    const other = (await row(await llm("OTHER"))).workspace_id;
    for (const id of ids) {
      const own = await row(id);
      expect(own.workspace_id).not.toBe(other);
      await change(id, { workspace_id: other });
      await expectTampered(id, "secret_sealed");
      if (own.webhook_secret_sealed !== null) await expectTampered(id, "webhook_secret_sealed");
      await change(id, { workspace_id: own.workspace_id });
      expect(await openers.secret_sealed(id)).toEqual({ kind: "key", key: TOKEN });
      const { id: _, ...copied } = own;
      const copy = await server.database.kysely
        .insertInto("connections")
        .values({ ...copied, workspace_id: other })
        .returning("id")
        .executeTakeFirstOrThrow();
      await expectTampered(copy.id, "secret_sealed");
      await server.database.kysely.deleteFrom("connections").where("id", "=", copy.id).execute();
    }
  });

  test("of an App keep the ids that are used inside the seal", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const private_key = privateKey.export({ type: "pkcs1", format: "pem" }) as string;
    const id = await github("SEAL", { app: { app_id: 12, installation_id: 34, private_key } });
    await change(id, { settings: JSON.stringify({ app: { app_id: 99, installation_id: 99 } }) });
    expect(await openers.secret_sealed(id)).toMatchObject({ app_id: 12, installation_id: 34 });
  });

  test("have nonces of their own and the id of their key, the same text or not", async () => {
    for (let n = 0; n < 10; n++) await github("SEAL");
    const again = await github("SEAL");
    const before = (await row(again)).secret_sealed;
    expect((await admin.patch(`/api/v1/connections/${again}`, { token: TOKEN })).status).toBe(200);
    expect((await row(again)).secret_sealed).not.toBe(before);
    const sealed: string[] = [];
    for (const column of [...SEALED_COLUMNS, "settings.value"]) {
      const [table = "", name = ""] = column.split(".");
      const { rows } = await sql<{ value: string | null }>`select ${sql.ref(name)} as value from ${sql.table(
        table,
      )}`.execute(server.database.kysely);
      sealed.push(...rows.flatMap(({ value }) => (value?.startsWith("v1.") ? [value] : [])));
    }
    expect(sealed.length).toBeGreaterThan(30);
    expect(new Set(sealed.map((value) => value.split(".")[2])).size).toBe(sealed.length);
    const ours = sealed.filter((value) => keyIdOf(value) === server.masterKey.id);
    // One was given the id of a key that is not ours, above, in either column.
    expect(sealed.length - ours.length).toBe(2);
  });

  test("are counted, and no more are sealed than a key may", async () => {
    const db = server.database.kysely;
    const before = await readUses(db, server.masterKey);
    const id = await github("SEAL");
    expect(await readUses(db, server.masterKey)).toBe(before + 2);
    await countUses(db, server.masterKey, KEY_USES_MAX - 1 - before - 2);
    const count = async () => (await db.selectFrom("connections").select("id").execute()).length;
    const connections = await count();
    for (const send of [
      () => admin.patch<{ error: { message: string } }>(`/api/v1/connections/${id}`, { token: `${TOKEN}2` }),
      () => admin.post<{ error: { message: string } }>(`/api/v1/connections/${id}/webhook-secret`),
      () =>
        admin.post<{ error: { message: string } }>("/api/v1/workspaces/SEAL/connections", {
          kind: "git",
          provider: "github",
          name: "one too many",
          token: TOKEN,
        }),
    ]) {
      const refused = await send();
      expect([refused.status, refused.body.error.message]).toEqual([
        409,
        expect.stringContaining("has sealed as many values as one key may"),
      ]);
    }
    expect(await count()).toBe(connections);
    expect(await openers.secret_sealed(id)).toEqual({ kind: "key", key: TOKEN });
    // What is there goes on, and what needs no seal can be changed.
    expect((await admin.patch(`/api/v1/connections/${id}`, { name: "renamed" })).status).toBe(200);
  });
});

/** The value with each of its bits flipped. */
function flipsOf(part: string): string[] {
  const bytes = Buffer.from(part, "base64url");
  return Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const bad = Buffer.from(bytes);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return bad.toString("base64url");
  });
}
