import { cutUtf8 } from "@windshift/base/truncate.ts";
import { AttemptResult } from "@windshift/contract/job.ts";
import { SUMMARY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { AgentOutcome } from "@windshift/contract/run.ts";
import { z } from "zod";
import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

const FinishEvent = z.object({ note: z.literal("finish"), outcome: AgentOutcome, summary: z.string() });

/**
 * The result of an attempt that pushed its branch and was lost before it could report: what the agent said last is in
 * the transcript, what was pushed is known from the broker.
 */
export async function salvageResult(tx: Queries, run: Run): Promise<AttemptResult> {
  const said = await findFinish(tx, run);
  return AttemptResult.parse({
    attempt: run.attempt,
    isolation: run.isolation ?? "unsandboxed",
    outcome: said?.outcome ?? null,
    summary: cutUtf8(said?.summary ?? "", SUMMARY_BYTES_MAX),
    failure:
      said === undefined
        ? { reason: "no_finish", detail: "The agent ended without saying how its work ended." }
        : null,
    base_oid: run.base_oid,
    head_oid: run.pushed_oid,
    exit_code: null,
  });
}

async function findFinish(tx: Queries, run: Run): Promise<z.infer<typeof FinishEvent> | undefined> {
  const rows = await tx
    .selectFrom("run_events")
    .select("data")
    .where("run_id", "=", run.id)
    .where("attempt", "=", run.attempt)
    .where("type", "=", "lifecycle")
    .orderBy("id", "desc")
    .execute();
  for (const row of rows) {
    const event = FinishEvent.safeParse(JSON.parse(row.data));
    if (event.success) return event.data;
  }
  return undefined;
}
