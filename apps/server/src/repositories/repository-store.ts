import type { Repository } from "@windshift/contract/api/repository.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { NewRow, Row } from "../db/schema.ts";
import type { Scope } from "../http/access.ts";
import { isoTime } from "../http/json.ts";
import { parseRowId } from "../http/params.ts";

/** Scope of paths with a `{repository}`. */
export const repositoryScope: Scope = async (db, params) => {
  const id = parseRowId(params.repository);
  const row = id === undefined ? undefined : await findRepositoryRow(db, id);
  return row && { workspaceId: row.workspace_id };
};

/** As it is stored. @returns undefined when there is none */
export function findRepositoryRow(db: Queries, id: number): Promise<Row<"repositories"> | undefined> {
  return db.selectFrom("repositories").selectAll().where("id", "=", id).executeTakeFirst();
}

/** @throws AppError `not_found` */
export async function getRepositoryRow(db: Queries, id: number): Promise<Row<"repositories">> {
  const row = await findRepositoryRow(db, id);
  if (row === undefined) throw new AppError("not_found", `repository ${id} does not exist`);
  return row;
}

/** By owner and name. */
export function listRepositoryRows(db: Queries, workspaceId: number): Promise<Row<"repositories">[]> {
  return db
    .selectFrom("repositories")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .orderBy("owner")
    .orderBy("name")
    .execute();
}

/** @throws AppError `conflict` when the workspace has one of that owner and name, on whatever connection */
export async function insertRepository(
  tx: Queries,
  row: Omit<NewRow<"repositories">, "id" | "created_at_ms">,
): Promise<number> {
  const other = await tx
    .selectFrom("repositories")
    .select("id")
    .where("workspace_id", "=", row.workspace_id)
    .where("owner", "=", row.owner)
    .where("name", "=", row.name)
    .executeTakeFirst();
  const made =
    other === undefined
      ? await tx
          .insertInto("repositories")
          .values({ ...row, created_at_ms: Date.now() })
          .onConflict((oc) => oc.columns(["connection_id", "owner", "name"]).doNothing())
          .returning("id")
          .executeTakeFirst()
      : undefined;
  if (made === undefined) {
    throw new AppError("conflict", `the workspace has a repository ${row.owner}/${row.name} already`);
  }
  return made.id;
}

/** @param path folder on the server, for those who may know it */
export function toRepository(row: Row<"repositories">, path: string | undefined): Repository {
  return {
    id: row.id,
    connection_id: row.connection_id,
    owner: row.owner,
    name: row.name,
    default_branch: row.default_branch,
    web_url: row.web_url,
    ...(path === undefined ? {} : { path }),
    created_at: isoTime(row.created_at_ms),
  };
}
