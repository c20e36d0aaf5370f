import { createOutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { BudgetHolds } from "../budgets/budget-holds.ts";
import { CrashPoints } from "../crash-point.ts";
import { openDatabase } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { createForges } from "../ports.ts";
import { buildRoutes } from "../routes.ts";
import type { TestServer } from "../testing/test-server.ts";

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Another server on the same database, with connections to it, caches and waiting requests of its own. */
export async function startSecondServer(first: TestServer): Promise<{ url: string; stop(): Promise<void> }> {
  const database = await openDatabase(first.databaseAddress);
  const holds = new BudgetHolds(database, quiet);
  const parts = {
    database,
    holds,
    baseUrl: first.url,
    masterKey: first.masterKey,
    repositoriesRoot: first.repositoriesRoot,
    outbound: createOutboundFetch({ privateHosts: [{ host: "127.0.0.1", port: undefined }] }),
    crash: new CrashPoints(undefined),
  };
  const defaults = { llmModel: undefined };
  const { table } = buildRoutes({ ...parts, ...createForges(parts), defaults, log: quiet });
  const listener = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    fetch: (request, server) => table.fetch(request, server),
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    stop: async () => {
      await listener.stop(true);
      await holds.close();
      await database.close();
    },
  };
}
