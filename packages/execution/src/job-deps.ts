import type { Clock } from "@windshift/base/clock.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { RunPhase } from "@windshift/contract/run.ts";
import type { AttemptSpools } from "./attempt-spool.ts";
import type { Checkout } from "./checkout.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { HurriedLooks } from "./hurried-looks.ts";
import type { JobLog } from "./job-log.ts";
import type { JobSettings } from "./job-spec.ts";
import type { Sandbox } from "./sandbox.ts";

/** What a job works with; a program's `main.ts` plugs it together. */
export interface JobDeps {
  controlPlane: ControlPlane;
  checkout: Checkout;
  sandbox: Sandbox;
  /** Where events and results wait for the server; in memory when it is left out. */
  spools?: AttemptSpools;
  settings: JobSettings;
  /** Shared by all jobs of a host; when it is left out, a job looks at its checkout as if it were the only one. */
  hurriedLooks?: HurriedLooks;
  /** Told when a job enters a phase, for figures. */
  onPhase?(job: JobSpec, phase: RunPhase): void;
  clock: Clock;
  log: JobLog;
}
