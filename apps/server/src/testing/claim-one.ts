import type { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import type { Database, Queries } from "../db/database.ts";
import type { Run } from "../runs/run.ts";
import { claimRuns } from "../runs/run-queue.ts";

/** A claim of the runner in a server, for itself. @returns what `andThen` makes of it; undefined when nothing is eligible */
export async function claimOne<T>(
  database: Database,
  pool: PoolId,
  runner: RunnerId,
  andThen: (tx: Queries, run: Run) => Promise<T>,
): Promise<T | undefined> {
  const [reply] = await claimRuns(database, pool, [{ runner, isolation: "container" }], async (tx, claims) =>
    Promise.all(claims.map(async ({ run }) => ({ value: await andThen(tx, run), prompt: null }))),
  );
  return reply?.kind === "claimed" ? reply.value : undefined;
}
