import type { JobLog } from "@windshift/execution/job-log.ts";
import type { RunnerSettings } from "./config.ts";

export interface RunnerOptions {
  settings: RunnerSettings;
  env: Record<string, string | undefined>;
  /** How windshift-triage is started. */
  triage: readonly string[];
  log: JobLog;
}

/** First ask: finish what runs, take no more. Second: end it now, so that it is queued again. */
export interface RunnerSignals {
  drain: AbortSignal;
  cancel: AbortSignal;
}
