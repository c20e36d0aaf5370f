import type { RunId } from "@windshift/contract/ids.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import type { Database } from "../db/database.ts";
import type { RunDefaults } from "./run-create.ts";
import { endRun } from "./run-end.ts";
import { lockLiveAttempt, lockRun } from "./run-fence.ts";
import { keepOutput } from "./run-output-store.ts";
import { startPublishing } from "./run-publishing-store.ts";

/** PostgreSQL stores no NUL; what an agent says may hold one. */
function withoutNul(result: AttemptResult): AttemptResult {
  const clean = (text: string) => text.replaceAll("\0", "\ufffd");
  const { failure, delivered } = result;
  return {
    ...result,
    summary: clean(result.summary),
    failure: failure === null ? null : { ...failure, detail: clean(failure.detail) },
    ...(delivered === undefined ? {} : { delivered: cleanDelivered(delivered, clean) }),
  };
}

function cleanDelivered(
  delivered: NonNullable<AttemptResult["delivered"]>,
  clean: (text: string) => string,
): AttemptResult["delivered"] {
  const { patch } = delivered;
  return {
    files: delivered.files.map((file) => ({ ...file, path: clean(file.path) })),
    more: delivered.more,
    patch: patch === null ? null : { ...patch, text: clean(patch.text) },
  };
}

/**
 * Takes the last word of an attempt. The same report twice is one outcome; one of an older attempt, or of a run that
 * has ended otherwise, is refused.
 */
export async function reportResult(
  database: Database,
  runId: RunId,
  reported: AttemptResult,
  defaults: RunDefaults,
): Promise<"accepted" | "lease_lost"> {
  const result = withoutNul(reported);
  const reply = await database.transaction(async (tx) => {
    const run = await lockLiveAttempt(database, tx, runId, result.attempt);
    if (run === undefined) {
      const known = await lockRun(database, tx, runId);
      const repeated = known?.attempt === result.attempt && known.result !== null;
      return repeated ? "accepted" : "lease_lost";
    }
    if (run.cancel_requested_at_ms !== null) {
      await keepOutput(tx, runId, result);
      await tx
        .updateTable("runs")
        .set({ result: JSON.stringify({ ...result, delivered: undefined }), isolation: result.isolation })
        .where("id", "=", runId)
        .execute();
      await endRun(database, tx, run, { status: "canceled", reason: "canceled", detail: null }, defaults);
    } else {
      await startPublishing(database, tx, run, result);
    }
    return "accepted";
  });
  await database.signals.notify(`run:${runId}`);
  await database.signals.notify("publishing");
  await database.signals.notify("queue");
  return reply;
}
