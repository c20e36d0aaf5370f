import type { NewRepository } from "@windshift/contract/api/repository.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { BranchName } from "@windshift/contract/branch-name.ts";
import { RepositoryOwner, RepositorySlug } from "@windshift/contract/job.ts";
import { z } from "zod";
import { record } from "../audit/audit-store.ts";
import { findConnectionRow } from "../connections/connection-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { prepareRepository, repositoryDir } from "./local-repository.ts";
import { insertRepository } from "./repository-store.ts";

export interface RepositoryPorts {
  database: Database;
  /** Folder of all bare repositories, absolute. */
  repositoriesRoot: string;
}

export interface NewRepositoryPorts extends RepositoryPorts {
  forges: {
    /** @throws AppError with the forge's sentence */
    getRepository(
      connectionId: number,
      address: { owner: string; name: string },
    ): Promise<{ owner: string; name: string; defaultBranch: string; webUrl: string; archived: boolean }>;
    /** A sentence about what the credential lacks for runs there, and what to grant. */
    findMissingRight(
      connectionId: number,
      address: { owner: string; name: string },
    ): Promise<string | undefined>;
  };
}

type Wanted = NewRepository & { workspaceId: number; by: string };

/**
 * On a local connection makes an empty bare repository and its row, both or neither; on one to a forge takes in a repository
 * that exists there.
 * @returns its id
 * @throws AppError `invalid_input` when the connection is not a git one of the workspace, or the forge has no such repository
 *   that could be worked on; `conflict` when the name is taken
 */
export async function createRepository(ports: NewRepositoryPorts, wanted: Wanted): Promise<number> {
  const connection = await findConnectionRow(ports.database.kysely, wanted.connection_id);
  if (connection?.workspace_id !== wanted.workspaceId || connection.kind !== "git") {
    throw problem("connection_id", "not a git connection of this workspace; make one of kind git first");
  }
  return connection.provider === "local" ? createLocal(ports, wanted) : adoptRemote(ports, wanted);
}

async function createLocal(ports: RepositoryPorts, wanted: Wanted): Promise<number> {
  const { owner, name, default_branch = LOCAL_DEFAULT_BRANCH, readme } = wanted;
  if (!RepositorySlug.safeParse(owner).success) {
    throw problem("owner", "an owner on this server is one segment: letters, digits, . _ and -");
  }
  const prepared = await prepareRepository(
    ports.repositoriesRoot,
    default_branch,
    readme ? `# ${name}\n` : undefined,
  );
  try {
    return await ports.database.transaction(async (tx) => {
      const id = await insert(tx, wanted, { owner, name, default_branch, web_url: null });
      await prepared.moveTo(repositoryDir(ports.repositoriesRoot, wanted));
      return id;
    });
  } finally {
    await prepared.discard();
  }
}

/** The default branch is the forge's own, and so are the names, as it writes them. */
async function adoptRemote(ports: NewRepositoryPorts, wanted: Wanted): Promise<number> {
  if (wanted.default_branch !== undefined) {
    throw problem("default_branch", "it is taken from the forge; a binding may name another base branch");
  }
  if (wanted.readme) throw problem("readme", "a repository on a forge begins as it is there");
  const { connection_id, owner, name } = wanted;
  const found = await ports.forges.getRepository(connection_id, { owner, name }).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "not_found") throw problem("name", error.message, error);
    if (error instanceof AppError && error.code === "forbidden")
      throw problem("connection_id", error.message, error);
    throw error;
  });
  if (found.archived) throw problem("name", `${owner}/${name} is archived: nothing can be pushed to it`);
  const missing = await ports.forges.findMissingRight(connection_id, { owner, name });
  if (missing !== undefined) throw problem("connection_id", missing);
  const row = {
    owner: fitting(RepositoryOwner, found.owner, "owner"),
    name: fitting(RepositorySlug, found.name, "name"),
    default_branch: fitting(BranchName, found.defaultBranch, "default_branch"),
    web_url: fitting(WebUrl, found.webUrl, "web_url"),
  };
  return ports.database.transaction((tx) => insert(tx, wanted, row));
}

/** Default branch of a repository made here. */
const LOCAL_DEFAULT_BRANCH = "main";
/** What people are sent to. */
const WebUrl = z.url({ protocol: /^https?$/ }).max(2_048);

/** What a forge said is held to the same rules as what people say. */
function fitting<T extends z.ZodType>(schema: T, value: string, field: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw problem("name", `its ${field} ${JSON.stringify(value)} cannot be used here`);
  return parsed.data;
}

async function insert(
  tx: Queries,
  wanted: Wanted,
  row: { owner: string; name: string; default_branch: string; web_url: string | null },
): Promise<number> {
  const { workspaceId, connection_id, by } = wanted;
  const id = await insertRepository(tx, { workspace_id: workspaceId, connection_id, ...row });
  await record(tx, {
    workspaceId,
    actor: { user: by },
    action: "repository.created",
    subject: `repository ${id}`,
    data: { name: `${row.owner}/${row.name}` },
  });
  return id;
}

/** Folder of a repository that is stored here. */
export function dirOf(ports: Pick<RepositoryPorts, "repositoriesRoot">, row: Row<"repositories">): string {
  const { workspace_id: workspaceId, owner, name } = row;
  return repositoryDir(ports.repositoriesRoot, { workspaceId, owner, name });
}

function problem(path: string, message: string, cause?: unknown): AppError {
  return new AppError("invalid_input", `${path}: ${message}`, { details: [{ path, message }], cause });
}
