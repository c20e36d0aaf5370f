import type { PromptNote, RunFlag } from "@windshift/contract/api/run.ts";
import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

/** What a person should know of runs before their results are trusted, with one statement for all of them. */
export async function readFlags(db: Queries, runs: readonly Run[]): Promise<(run: Run) => RunFlag[]> {
  const ids = runs.map(({ id }) => id);
  const flagged = new Set<number>();
  if (ids.length > 0) {
    // Each attempt's own numbers are looked up; all the others are the runner's.
    const recorded = db
      .selectFrom("run_attempts as of")
      .innerJoin("run_events as event", (join) =>
        join.onRef("event.run_id", "=", "of.run_id").onRef("event.attempt", "=", "of.attempt"),
      )
      .select("event.run_id")
      .where("of.run_id", "in", ids)
      .where("event.seq", "<", 0)
      .where("event.type", "=", "review_flagged");
    // What ran before attempts were recorded has its last one.
    const last = db
      .selectFrom("runs as of")
      .innerJoin("run_events as event", (join) =>
        join.onRef("event.run_id", "=", "of.id").onRef("event.attempt", "=", "of.attempt"),
      )
      .select("event.run_id")
      .where("of.id", "in", ids)
      .where("event.seq", "<", 0)
      .where("event.type", "=", "review_flagged");
    const rows = await recorded.union(last).execute();
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
