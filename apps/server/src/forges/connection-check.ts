import type { ForgeClient, RepositoryAddress } from "@windshift/forges/forge-client.ts";
import type { Queries } from "../db/database.ts";

/** Repositories of a connection that a check looks into, the newest: each is a few requests. */
const CHECKED_MAX = 5;

/**
 * Tries the credential of a connection, and what it may do in the repositories that were taken in by it; where there are none
 * yet, in the one that the forge lists first. Writes nothing on the forge.
 * @throws ForgeError for what is wrong with the way to a repository and not with the credential
 */
export async function checkConnection(
  db: Queries,
  connectionId: number,
  client: ForgeClient,
): Promise<{ ok: boolean; message: string }> {
  const checked = await client.check();
  if (!checked.ok) return { ok: false, message: checked.message };
  const taken = await listTaken(db, connectionId);
  const [first] = taken.length > 0 ? taken : (await client.listRepositories({ page: 1 })).repositories;
  if (first === undefined)
    return { ok: true, message: `${checked.message} It sees no repository: give it access to one.` };
  for (const address of taken.length > 0 ? taken : [first]) {
    const missing = await client.findMissingRight(address);
    if (missing !== undefined) return { ok: false, message: missing };
  }
  return { ok: true, message: checked.message };
}

function listTaken(db: Queries, connectionId: number): Promise<RepositoryAddress[]> {
  return db
    .selectFrom("repositories")
    .select(["owner", "name"])
    .where("connection_id", "=", connectionId)
    .orderBy("id", "desc")
    .limit(CHECKED_MAX)
    .execute();
}
