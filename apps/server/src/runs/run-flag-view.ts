import type { PromptNote, RunFlag } from "@windshift/contract/api/run.ts";
import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";

/** What a person should know of runs before their results are trusted, with one statement for all of them. */
export async function readFlags(db: Queries, runs: readonly Run[]): Promise<(run: Run) => RunFlag[]> {
  const pushes = runs.flatMap((run) =>
    Array.from({ length: run.attempt }, (_, at) => ({ run: run.id, attempt: at + 1 })),
  );
  const flagged = new Set<number>();
  if (pushes.length > 0) {
    // Each attempt's own numbers are looked up; all the others are the runner's.
    const rows = await db
      .selectFrom("run_events")
      .select("run_id")
      .distinct()
      .where("seq", "<", 0)
      .where("type", "=", "review_flagged")
      .where((eb) =>
        eb.or(pushes.map((of) => eb.and([eb("run_id", "=", of.run), eb("attempt", "=", of.attempt)]))),
      )
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
