import type { AgentOutcome } from "@windshift/contract/run.ts";
import type { ModelFailure } from "./model/model-failure.ts";

/** How the turns of a run came to their end. */
export type LoopEnd =
  | { kind: "finished"; outcome: AgentOutcome; summary: string }
  | { kind: "aborted" }
  | { kind: "model_failed"; failure: ModelFailure }
  /** The model broke off; `code` and `message` go into the run's `error` line. */
  | { kind: "gave_up"; code: "no_finish" | "turns_exhausted" | "length" | "content_filter"; message: string };
