import { createGitBroker } from "@windshift/git-broker/git-broker.ts";
import { createLlmBroker } from "@windshift/llm-broker/llm-broker.ts";
import type { OutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { record } from "./audit/audit-store.ts";
import type { BrokerPorts } from "./brokers/broker-routes.ts";
import { createGitGrants } from "./brokers/git-grants.ts";
import { createLlmGrants } from "./brokers/llm-grants.ts";
import { createUsageLedger } from "./brokers/usage-ledger.ts";
import { openLlmSecret } from "./connections/connection.ts";
import type { CrashPoints } from "./crash-point.ts";
import type { Database } from "./db/database.ts";
import type { Log } from "./http/log.ts";
import type { RunTokens } from "./http/principal.ts";
import { dirOf } from "./repositories/repository.ts";
import { getRepositoryRow } from "./repositories/repository-store.ts";
import { lockLiveAttempt } from "./runs/run-fence.ts";
import { getRun } from "./runs/run-store.ts";
import { findRunByToken } from "./runs/run-tokens.ts";
import type { MasterKey } from "./secrets/secret-box.ts";
import type { AttemptFence } from "./work-items/triggers.ts";

/** Joins nouns that do not know each other: each function here implements a port of one folder with another. */

export function createRunTokenPort(database: Database): RunTokens {
  return {
    find: async (token) => {
      const run = await findRunByToken(database.kysely, token, "agent");
      if (run === undefined) return undefined;
      return {
        runId: run.id,
        attempt: run.attempt,
        workItemId: run.work_item_id,
        workspaceId: run.workspace_id,
        agentUserId: run.agent_user_id,
        scope: "agent",
      };
    },
  };
}

export function createAttemptFence(database: Database): AttemptFence {
  return {
    holdLive: async (tx, runId, attempt) => {
      const run = await lockLiveAttempt(database, tx, runId, attempt);
      return run !== undefined && run.cancel_requested_at_ms === null;
    },
  };
}

export function createBrokers(parts: {
  database: Database;
  repositoriesRoot: string;
  masterKey: MasterKey;
  outbound: OutboundFetch;
  crash: CrashPoints;
  log: Log;
}): BrokerPorts {
  const { database, repositoriesRoot, masterKey, log } = parts;
  const db = database.kysely;
  const dir = async (id: number) => dirOf({ repositoriesRoot }, await getRepositoryRow(db, id));
  return {
    git: createGitBroker({
      grants: parts.crash.gitGrants(createGitGrants(database, dir)),
      audit: {
        refused: async ({ runId, attempt, refs, why }) =>
          record(db, {
            workspaceId: (await getRun(db, runId)).workspace_id,
            actor: { run: runId, attempt },
            action: "push.refused",
            subject: `run ${runId}`,
            data: { refs: refs.join(" "), why },
          }),
      },
    }),
    llm: createLlmBroker({
      grants: createLlmGrants(database, (id, workspace) => openLlmSecret(db, masterKey, id, workspace)),
      ledger: createUsageLedger(database),
      fetch: parts.outbound,
      log,
    }),
  };
}
