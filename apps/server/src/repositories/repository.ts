import type { NewRepository } from "@windshift/contract/api/repository.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { record } from "../audit/audit-store.ts";
import { findConnectionRow } from "../connections/connection-store.ts";
import type { Database } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { prepareRepository, repositoryDir } from "./local-repository.ts";
import { insertRepository } from "./repository-store.ts";

export interface RepositoryPorts {
  database: Database;
  /** Folder of all bare repositories, absolute. */
  repositoriesRoot: string;
}

/**
 * Makes an empty bare repository and its row; both or neither.
 * @returns its id
 * @throws AppError `invalid_input` when the connection is not a local one of the workspace; `conflict` when the name is taken
 */
export async function createRepository(
  ports: RepositoryPorts,
  wanted: NewRepository & { workspaceId: number; by: string },
): Promise<number> {
  const prepared = await prepareRepository(ports.repositoriesRoot, wanted.default_branch);
  try {
    return await ports.database.transaction(async (tx) => {
      const { workspaceId, connection_id, owner, name, default_branch } = wanted;
      const connection = await findConnectionRow(tx, connection_id);
      if (connection?.workspace_id !== workspaceId || connection.provider !== "local") throw notLocal();
      const id = await insertRepository(tx, {
        workspace_id: workspaceId,
        connection_id,
        owner,
        name,
        default_branch,
      });
      await record(tx, {
        workspaceId,
        actor: { user: wanted.by },
        action: "repository.created",
        subject: `repository ${id}`,
        data: { name: `${owner}/${name}` },
      });
      await prepared.moveTo(repositoryDir(ports.repositoriesRoot, wanted));
      return id;
    });
  } finally {
    await prepared.discard();
  }
}

/** Folder of a repository that is stored here. */
export function dirOf(ports: Pick<RepositoryPorts, "repositoriesRoot">, row: Row<"repositories">): string {
  const { workspace_id: workspaceId, owner, name } = row;
  return repositoryDir(ports.repositoriesRoot, { workspaceId, owner, name });
}

function notLocal(): AppError {
  const message = "not a git connection of this workspace; make one of kind git first";
  return new AppError("invalid_input", `connection_id: ${message}`, {
    details: [{ path: "connection_id", message }],
  });
}
