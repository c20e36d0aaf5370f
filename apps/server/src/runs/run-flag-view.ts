import type { PromptNote, RunFlag } from "@windshift/contract/api/run.ts";
import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

/** What a person should know of runs before their results are trusted, with one statement for all of them. */
export async function readFlags(db: Queries, runs: readonly Run[]): Promise<(run: Run) => RunFlag[]> {
  const ids = runs.map(({ id }) => id);
  const flagged = new Set<number>();
  if (ids.length > 0) {
    // What ran before attempts were recorded has its last one.
    const attempts = db
      .selectFrom("run_attempts")
      .select(["run_id", "attempt"])
      .where("run_id", "in", ids)
      .union(db.selectFrom("runs").select(["id as run_id", "attempt"]).where("id", "in", ids));
    // Each attempt's own numbers are looked up; all the others are the runner's.
    const rows = await db
      .selectFrom(attempts.as("of"))
      .innerJoin("run_events", (join) =>
        join.onRef("run_events.run_id", "=", "of.run_id").onRef("run_events.attempt", "=", "of.attempt"),
      )
      .select("run_events.run_id")
      .distinct()
      .where("run_events.seq", "<", 0)
      .where("run_events.type", "=", "review_flagged")
      .execute();
    for (const { run_id } of rows) flagged.add(run_id);
  }
  return (run) => [...flagsOfPrompt(run.prompt_notes), ...(flagged.has(run.id) ? (["review"] as const) : [])];
}

function flagsOfPrompt(notes: readonly PromptNote[]): RunFlag[] {
  const flags: RunFlag[] = [];
  if (notes.some((note) => note.kind === "hidden" && note.what !== "encoded")) flags.push("hidden_text");
  if (notes.some((note) => note.kind === "cut" || (note.kind === "left_out" && note.why === "old")))
    flags.push("prompt_cut");
  return flags;
}
