import type { UsageEntry, UsageLedger } from "@windshift/llm-broker/llm-grant.ts";
import { type Database, dbNowMs } from "../db/database.ts";

/** Stores one row per model call, whatever became of it. */
export function createUsageLedger(database: Database): UsageLedger {
  return {
    record: async (entry: UsageEntry) => {
      await database.kysely
        .insertInto("run_usage")
        .values({
          run_id: entry.runId,
          attempt: entry.attempt,
          model: entry.model,
          input_tokens: entry.inputTokens,
          output_tokens: entry.outputTokens,
          status: entry.status,
          duration_ms: Math.round(entry.durationMs),
          created_at_ms: dbNowMs(database.engine),
        })
        .execute();
    },
  };
}
