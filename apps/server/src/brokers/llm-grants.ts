import { assert } from "@windshift/contract/app-error.ts";
import type { Attempt, RunId } from "@windshift/contract/ids.ts";
import type { LlmGrants } from "@windshift/llm-broker/llm-grant.ts";
import type { Database } from "../db/database.ts";
import { findRunByToken, isLiveAttempt } from "../runs/run-tokens.ts";
import { AttemptEnds } from "./attempt-ends.ts";

/** The stored side of an LLM connection, its secret opened. */
export interface LlmEndpoint {
  baseUrl: string;
  apiKey: string | null;
  contextWindow: number | null;
}
export type OpenLlmEndpoint = (connectionId: number) => Promise<LlmEndpoint>;

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
      const { contextWindow, ...endpoint } = await openEndpoint(run.grants.llm_connection_id);
      return {
        runId,
        attempt,
        model: run.grants.model,
        endpoint,
        contextWindow,
        isLive: () => isLiveAttempt(database.kysely, runId, attempt),
        ended: ends.signalFor(runId, attempt),
      };
    },
  };
}
