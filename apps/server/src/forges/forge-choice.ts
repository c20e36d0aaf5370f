import { AppError } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { Forge } from "../runs/forge.ts";

/** One forge for all repositories: the server's own go to `local`, all others to `remote`. */
export function chooseForge(db: Queries, forges: { local: Forge; remote: Forge }): Forge {
  const of = async (repositoryId: number) =>
    (await isLocal(db, repositoryId)) ? forges.local : forges.remote;
  return {
    readBranch: async (repositoryId, branch) => (await of(repositoryId)).readBranch(repositoryId, branch),
    compare: async (repositoryId, headOid, targetBranch) =>
      (await of(repositoryId)).compare(repositoryId, headOid, targetBranch),
    openPullRequest: async (draft) => (await of(draft.repositoryId)).openPullRequest(draft),
  };
}

/** @throws AppError `not_found` */
export async function isLocal(db: Queries, repositoryId: number): Promise<boolean> {
  const row = await db
    .selectFrom("repositories")
    .innerJoin("connections", "connections.id", "repositories.connection_id")
    .select("connections.provider")
    .where("repositories.id", "=", repositoryId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("not_found", `repository ${repositoryId} does not exist`);
  return row.provider === "local";
}
