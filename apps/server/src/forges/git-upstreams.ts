import type { RunId } from "@windshift/contract/ids.ts";
import type { ForgeKind } from "@windshift/forges/create-forge-client.ts";
import { forgeAddress } from "@windshift/forges/forge-address.ts";
import type { GitUpstream } from "@windshift/git-broker/git-upstream.ts";
import { localUpstream } from "@windshift/git-broker/local-upstream.ts";
import { type RemoteUpstreamOptions, remoteUpstream } from "@windshift/git-broker/remote-upstream.ts";
import type { UpstreamFailure } from "@windshift/git-broker/upstream-failure.ts";
import { record } from "../audit/audit-store.ts";
import { getConnectionRow, recordCheck } from "../connections/connection-store.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Row } from "../db/schema.ts";
import { dirOf } from "../repositories/repository.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import { isLocal } from "./forge-choice.ts";
import type { ForgeClients } from "./forge-clients.ts";

export interface GitUpstreamPorts {
  database: Database;
  repositoriesRoot: string;
  clients: ForgeClients;
  /** The guarded way out. */
  outbound: RemoteUpstreamOptions["fetch"];
}

/** Where the git broker finds the repository of a run: a folder here, or a forge with the connection's credential. */
export function createGitUpstreams(
  ports: GitUpstreamPorts,
): (repositoryId: number, run: RunId) => Promise<GitUpstream> {
  const { database, clients } = ports;
  const db = database.kysely;
  return async (repositoryId, run) => {
    const row = await getRepositoryRow(db, repositoryId);
    if (await isLocal(db, repositoryId)) return localUpstream({ dir: dirOf(ports, row) });
    const address = { owner: row.owner, name: row.name };
    const connection = row.connection_id;
    return remoteUpstream({
      ...address,
      root: await rootOf(db, connection),
      // Opened when a request goes out, so never for one that the gate refused. The client keeps it and renews it in time.
      credential: () => clients.use(connection, (client) => client.gitCredential(address)),
      fetch: ports.outbound,
      onFailure: (failure) => noteFailure(ports, row, run, failure),
    });
  };
}

/**
 * A refusal is kept with the run, which ends with that sentence. One of the credential itself is shown with the connection too;
 * any other may be of this run's push or repository alone. An echo is an alarm.
 */
async function noteFailure(
  { database, clients }: Pick<GitUpstreamPorts, "database" | "clients">,
  row: Row<"repositories">,
  run: RunId,
  failure: UpstreamFailure,
): Promise<void> {
  if (failure.kind === "unauthorized" || failure.kind === "forbidden" || failure.kind === "not_found") {
    const lacking = await findLackingScope(clients, row.connection_id);
    await database.kysely
      .updateTable("runs")
      .set({ refusal: lacking ?? failure.sentence })
      .where("id", "=", run)
      .where("status", "=", "running")
      .execute();
  }
  if (failure.kind === "unauthorized")
    await recordCheck(database.kysely, row.connection_id, failure.sentence);
  if (failure.kind !== "credential_echo") return;
  await record(database.kysely, {
    workspaceId: row.workspace_id,
    actor: "system",
    action: "connection.credential_echoed",
    subject: `connection ${row.connection_id}`,
    data: { run, repository: `${row.owner}/${row.name}` },
  });
}

/** Git's front of a forge only says no; its API tells the scope that is missing. */
async function findLackingScope(clients: ForgeClients, connection: number): Promise<string | undefined> {
  try {
    const checked = await clients.use(connection, (client) => client.check());
    return !checked.ok && checked.kind === "missing_scope" ? checked.message : undefined;
  } catch {
    return undefined;
  }
}

/** Where the forge serves git, from the stored address alone. */
async function rootOf(db: Queries, connection: number): Promise<string> {
  const { provider, base_url } = await getConnectionRow(db, connection);
  return forgeAddress[provider as ForgeKind](base_url).webUrl;
}
