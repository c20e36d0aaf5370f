import type { AttemptResult } from "@windshift/contract/job.ts";

/** What a host reports of an attempt whose agent did its work and made no commit; the attempt's number is to be added. */
export const COMPLETED_RESULT: Omit<AttemptResult, "attempt"> = {
  isolation: "container",
  outcome: "completed",
  summary: "done",
  failure: null,
  base_oid: null,
  head_oid: null,
  exit_code: 0,
};
