import { assert } from "@windshift/contract/app-error.ts";
import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import type { LlmGrants } from "@windshift/llm-broker/llm-grant.ts";
import type { LlmEndpoint } from "../connections/connection.ts";
import type { Database } from "../db/database.ts";
import { findRunByToken, isLiveAttempt } from "../runs/run-tokens.ts";
import { AttemptEnds } from "./attempt-ends.ts";

/** Gives a connection's provider with its key in clear; a connection of another workspace is not found. */
export type OpenLlmEndpoint = (connectionId: number, workspaceId: number) => Promise<LlmEndpoint>;

/** Tells the LLM broker what a run's agent token may do. The provider's key is opened only once the token was found good. */
export function createLlmGrants(database: Database, openEndpoint: OpenLlmEndpoint): LlmGrants {
  const ends = new AttemptEnds(database);
  return {
    find: async (token) => {
      const run = await findRunByToken(database.kysely, token, "agent");
      if (run === undefined) return undefined;
      assert(run.grants !== null && run.attempt > 0, `run ${run.id} has a token but no grants`);
      const runId: RunId = run.id;
      const attempt = run.attempt as Attempt;
      const endpoint = await openEndpoint(run.grants.llm_connection_id, run.workspace_id);
      return {
        runId,
        attempt,
        model: run.grants.model,
        endpoint: { baseUrl: endpoint.baseUrl, apiKey: endpoint.apiKey ?? null },
        contextWindow: endpoint.contextWindow ?? null,
        isLive: () => isLiveAttempt(database.kysely, runId, attempt),
        ended: ends.signalFor(runId, attempt),
      };
    },
  };
}
