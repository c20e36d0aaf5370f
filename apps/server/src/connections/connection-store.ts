import { Connection } from "@windshift/contract/api/connection.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Scope of paths with a `{connection}`. */
export const connectionScope: Scope = async (db, params) => {
  const id = parseRowId(params.connection);
  const row = id === undefined ? undefined : await findConnectionRow(db, id);
  return row && { workspaceId: row.workspace_id };
};

/** As it is stored, its secret sealed. @returns undefined when there is none */
export function findConnectionRow(db: Queries, id: number): Promise<Row<"connections"> | undefined> {
  return db.selectFrom("connections").selectAll().where("id", "=", id).executeTakeFirst();
}

/** @throws AppError `not_found` */
export async function getConnectionRow(db: Queries, id: number): Promise<Row<"connections">> {
  const row = await findConnectionRow(db, id);
  if (row === undefined) throw new AppError("not_found", "not found");
  return row;
}

/** By name. */
export function listConnectionRows(db: Queries, workspaceId: number): Promise<Row<"connections">[]> {
  return db
    .selectFrom("connections")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .orderBy("name")
    .orderBy("id")
    .execute();
}

/** Whether repositories of this connection live elsewhere. */
export function isForge(row: { kind: string; provider: string }): boolean {
  return row.kind === "git" && row.provider !== "local";
}

/** What a connection needs besides its secret, for people to see. */
const ConnectionSettings = z.object({
  app: z.object({ app_id: z.int(), installation_id: z.int() }).optional(),
});

/**
 * What may be known of a connection: its sealed secrets stay here.
 * @param baseUrl of this server, as a forge reaches it
 */
export function toConnection(row: Row<"connections">, baseUrl: string): Connection {
  return Connection.parse({
    id: row.id,
    kind: row.kind,
    provider: row.provider,
    name: row.name,
    base_url: row.base_url === "" ? null : row.base_url,
    secret_fingerprint: row.secret_fingerprint,
    app: ConnectionSettings.parse(JSON.parse(row.settings)).app ?? null,
    webhook_url: isForge(row) ? `${baseUrl}/api/webhooks/${row.id}` : null,
    context_window: row.context_window,
    concurrency_max: row.concurrency_max,
    checked_at: row.checked_at_ms === null ? null : isoTime(row.checked_at_ms),
    check_problem: row.check_problem,
    created_at: isoTime(row.created_at_ms),
  });
}

/** Keeps what a try of the credential found; `problem` is a sentence, null when all was well. */
export async function recordCheck(db: Queries, id: number, problem: string | null): Promise<void> {
  await db
    .updateTable("connections")
    .set({ checked_at_ms: Date.now(), check_problem: problem })
    .where("id", "=", id)
    .execute();
}

/**
 * Stores a connection without its secret, which is sealed for the row's id.
 * @throws AppError `conflict` when the workspace has one of this kind and name
 */
export async function insertConnection(
  tx: Queries,
  row: Pick<
    Row<"connections">,
    "workspace_id" | "kind" | "provider" | "name" | "base_url" | "context_window" | "concurrency_max"
  >,
): Promise<number> {
  const made = await tx
    .insertInto("connections")
    .values({ ...row, created_at_ms: Date.now() })
    .onConflict((oc) => oc.columns(["workspace_id", "kind", "name"]).doNothing())
    .returning("id")
    .executeTakeFirst();
  if (made === undefined) throw nameTaken(row.name);
  return made.id;
}

/** @throws AppError `conflict` when another connection of this kind has that name */
export async function renameConnection(tx: Queries, row: Row<"connections">, name: string): Promise<void> {
  const other = await tx
    .selectFrom("connections")
    .select("id")
    .where("workspace_id", "=", row.workspace_id)
    .where("kind", "=", row.kind)
    .where("name", "=", name)
    .where("id", "!=", row.id)
    .executeTakeFirst();
  if (other !== undefined) throw nameTaken(name);
  await tx.updateTable("connections").set({ name }).where("id", "=", row.id).execute();
}

/** What still needs the connection, in words; empty when nothing does. */
export async function listConnectionUses(db: Queries, id: number): Promise<string[]> {
  const bindings = await db.selectFrom("bindings").select("id").where("llm_connection_id", "=", id).execute();
  const repositories = await db
    .selectFrom("repositories")
    .select(["owner", "name"])
    .where("connection_id", "=", id)
    .execute();
  return [
    ...bindings.map((b) => `binding ${b.id}`),
    ...repositories.map((r) => `repository ${r.owner}/${r.name}`),
  ];
}

function nameTaken(name: string): AppError {
  return new AppError(
    "conflict",
    `the workspace has a connection named ${name} already; choose another name`,
  );
}
