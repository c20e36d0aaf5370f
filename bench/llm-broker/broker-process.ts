import { createLlmBroker } from "@windshift/llm-broker/llm-broker.ts";
import { createOutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { TokenGrants } from "../../apps/server/src/brokers/llm-grants.ts";
import { createOpenEndpoints } from "../../apps/server/src/brokers/open-endpoints.ts";
import { createUsageLedger } from "../../apps/server/src/brokers/usage-ledger.ts";
import { BudgetHolds } from "../../apps/server/src/budgets/budget-holds.ts";
import { openLlmSecret } from "../../apps/server/src/connections/connection.ts";
import { openSqlite } from "../../apps/server/src/db/sqlite.ts";
import { listen } from "../../apps/server/src/listen.ts";
import { raiseOutboundRequests } from "../../apps/server/src/outbound-requests.ts";
import { readMasterKey } from "../../apps/server/src/secrets/secret-key-file.ts";

/**
 * The model broker of a server and nothing else of it, as a program of its own: `llm-broker-alone DATA_FOLDER`. Token,
 * grant, budget and ledger are the server's own, on the database of a server that has ended; providers are on this machine. Its first line of output is its port.
 */
raiseOutboundRequests();
void serve(process.argv[2] ?? "");

async function serve(dataDir: string): Promise<void> {
  const say = (fields: object, line: string) => void process.stderr.write(`${line} ${Bun.inspect(fields)}\n`);
  const log = { error: say, warn: say };
  const database = await openSqlite(`${dataDir}/windshift.db`);
  const masterKey = await readMasterKey({ key: undefined, previous: undefined }, dataDir, async () => false);
  const holds = new BudgetHolds(database, log);
  const open = createOpenEndpoints(database.signals, (id, workspace) =>
    openLlmSecret(database.kysely, masterKey, id, workspace),
  );
  const grants = new TokenGrants(database, holds, open);
  const broker = createLlmBroker({
    grants,
    ledger: createUsageLedger(holds, (target) => grants.uncapped(target)),
    fetch: createOutboundFetch({ privateHosts: [{ host: "127.0.0.1", port: undefined }] }),
    log,
  });
  const { port } = listen({ host: "127.0.0.1", port: 0, fetch: broker });
  process.stdout.write(`${port}\n`);
}
