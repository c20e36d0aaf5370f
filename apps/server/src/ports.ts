import { createGitBroker } from "@windshift/git-broker/git-broker.ts";
import { createLlmBroker } from "@windshift/llm-broker/llm-broker.ts";
import type { OutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { record } from "./audit/audit-store.ts";
import type { BrokerPorts } from "./brokers/broker-routes.ts";
import { createGitGrants } from "./brokers/git-grants.ts";
import { inspectionCommand } from "./brokers/inspection-command.ts";
import { TokenGrants } from "./brokers/llm-grants.ts";
import { createOpenEndpoints } from "./brokers/open-endpoints.ts";
import { createPushInspection } from "./brokers/push-inspection.ts";
import { createUsageLedger } from "./brokers/usage-ledger.ts";
import type { BudgetHolds } from "./budgets/budget-holds.ts";
import { openLlmSecret } from "./connections/connection.ts";
import type { CrashPoints } from "./crash-point.ts";
import type { Database } from "./db/database.ts";
import { chooseForge } from "./forges/forge-choice.ts";
import { ForgeClients } from "./forges/forge-clients.ts";
import { createGitUpstreams } from "./forges/git-upstreams.ts";
import { createRemoteForge } from "./forges/remote-forge.ts";
import type { Log } from "./http/log.ts";
import type { RunTokens } from "./http/principal.ts";
import { securityHeaders } from "./http/security-headers.ts";
import { createLocalForge } from "./pull-requests/local-forge.ts";
import type { Forge } from "./runs/forge.ts";
import { lockLiveAttempt } from "./runs/run-fence.ts";
import { getRun } from "./runs/run-store.ts";
import { findRunByToken } from "./runs/run-tokens.ts";
import type { MasterKey } from "./secrets/secret-box.ts";
import type { AttemptFence } from "./work-items/triggers.ts";

/** Joins nouns that do not know each other: each function here implements a port of one folder with another. */

/**
 * The run, its attempt and its place behind a token of an agent, for API requests that carry one; the git token of the same attempt is
 * none.
 */
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

/**
 * Holds an attempt's run to the end of the caller's transaction, and says whether it may still act: it is the current one and nobody
 * canceled it.
 */
export function createAttemptFence(database: Database): AttemptFence {
  return {
    holdLive: async (tx, runId, attempt) => {
      const run = await lockLiveAttempt(database, tx, runId, attempt);
      return run !== undefined && run.cancel_requested_at_ms === null;
    },
  };
}

/** The places where repositories live, as one, and the clients of those that are elsewhere. */
export function createForges(parts: {
  database: Database;
  masterKey: MasterKey;
  repositoriesRoot: string;
  outbound: OutboundFetch;
  baseUrl: string;
  crash: CrashPoints;
}): { forge: Forge; forgeClients: ForgeClients } {
  const forgeClients = new ForgeClients(parts);
  const forge = chooseForge(parts.database.kysely, {
    local: createLocalForge(parts),
    remote: createRemoteForge(parts.database, forgeClients),
  });
  return { forge: parts.crash.forge(forge), forgeClients };
}

/** The git broker and the model broker, on the stored grants and budgets. */
export function createBrokers(parts: {
  baseUrl: string;
  database: Database;
  repositoriesRoot: string;
  masterKey: MasterKey;
  outbound: OutboundFetch;
  holds: BudgetHolds;
  forgeClients: ForgeClients;
  crash: CrashPoints;
  log: Log;
}): BrokerPorts {
  const { database, masterKey, holds, log } = parts;
  const db = database.kysely;
  const upstreamOf = createGitUpstreams({ ...parts, clients: parts.forgeClients });
  const openEndpoint = createOpenEndpoints(database.signals, (id, workspace) =>
    openLlmSecret(db, masterKey, id, workspace),
  );
  const grants = new TokenGrants(database, holds, openEndpoint);
  return {
    git: createGitBroker({
      grants: parts.crash.gitGrants(
        createGitGrants(
          database,
          upstreamOf,
          createPushInspection(parts, inspectionCommand(process.execPath, import.meta.dir)),
        ),
      ),
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
      grants,
      ledger: createUsageLedger(holds, (target) => grants.uncapped(target)),
      fetch: parts.outbound,
      log,
      answerHeaders: new Headers(securityHeaders(parts.baseUrl)),
    }),
  };
}
