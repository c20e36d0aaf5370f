import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { type Database, dbNowMs, openDatabase } from "../db/database.ts";
import { ensureLocalPool } from "../pools/pool-store.ts";
import { registerRunner } from "../runners/runner-store.ts";
import { createMigratedDatabase } from "./migrated-database.ts";

/** A database with what runs hang on: a person, workspaces, an agent bound to a repository, items on demand. */
export interface RunFixture {
  database: Database;
  pool: PoolId;
  runner: RunnerId;
  person: string;
  agent: string;
  workspaces: number[];
  createItem(workspace: number): Promise<number>;
  /** Of the database, for a process of its own. */
  address: { url: string | undefined; sqliteFile: string };
  close(): Promise<void>;
}

/** Opens an empty database on the engine the test run chose and fills it; `close` drops it. */
export async function createRunFixture(workspaceCount = 1): Promise<RunFixture> {
  const fixture = await createMigratedDatabase();
  const database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  return {
    ...(await fillDatabase(database, workspaceCount)),
    address: { url: fixture.url, sqliteFile: fixture.sqliteFile },
    close: async () => {
      await database.close();
      await fixture.drop();
    },
  };
}

/** The same in a database that somebody else opened and brought up to date. */
export async function fillDatabase(
  database: Database,
  workspaceCount: number,
): Promise<Omit<RunFixture, "address" | "close">> {
  const pool = await ensureLocalPool(database);
  const runner = await registerRunner(database, {
    pool,
    name: "test",
    kind: "local",
    instance: "i",
    boot: "b",
  });
  await insertUser(database, "person", "person");
  await insertUser(database, "agent", "agent");
  const workspaces: number[] = [];
  for (let n = 1; n <= workspaceCount; n++) workspaces.push(await insertWorkspace(database, pool, n));
  let number = 0;
  return {
    database,
    pool,
    runner,
    person: "person",
    agent: "agent",
    workspaces,
    createItem: (workspace) => insertItem(database, workspace, ++number),
  };
}

async function insertUser(database: Database, id: string, kind: string): Promise<void> {
  const at = new Date().toISOString();
  const emailVerified = database.engine === "sqlite" ? 0 : false;
  await database.kysely
    .insertInto("user")
    .values({
      id,
      name: id,
      email: `${id}@example.test`,
      emailVerified,
      image: null,
      createdAt: at,
      updatedAt: at,
      kind,
      admin: 0,
    })
    .execute();
}

async function insertWorkspace(database: Database, pool: PoolId, n: number): Promise<number> {
  const db = database.kysely;
  const created_at_ms = dbNowMs(database.engine);
  const { id } = await db
    .insertInto("workspaces")
    .values({ key: `W${n}`, name: `W${n}`, created_at_ms })
    .returning("id")
    .executeTakeFirstOrThrow();
  const connection = async (kind: string, provider: string) =>
    (
      await db
        .insertInto("connections")
        .values({
          workspace_id: id,
          kind,
          provider,
          name: kind,
          base_url: "http://127.0.0.1:1",
          created_at_ms,
        })
        .returning("id")
        .executeTakeFirstOrThrow()
    ).id;
  const repository = await db
    .insertInto("repositories")
    .values({
      workspace_id: id,
      connection_id: await connection("git", "local"),
      owner: "acme",
      name: `r${n}`,
      default_branch: "main",
      created_at_ms,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  await db
    .insertInto("bindings")
    .values({
      workspace_id: id,
      agent_user_id: "agent",
      repository_id: repository.id,
      base_branch: "main",
      llm_connection_id: await connection("llm", "openai_compatible"),
      model: "scripted",
      instructions: "",
      limits: "{}",
      image: null,
      pool_id: pool,
      enabled: 1,
      created_at_ms,
    })
    .execute();
  return id;
}

async function insertItem(database: Database, workspace: number, number: number): Promise<number> {
  const now = dbNowMs(database.engine);
  const { id } = await database.kysely
    .insertInto("work_items")
    .values({
      workspace_id: workspace,
      number,
      title: `item ${number}`,
      description: "",
      status: "todo",
      creator_id: "person",
      created_at_ms: now,
      updated_at_ms: now,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}
