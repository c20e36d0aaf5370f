import type { Clock } from "@windshift/base/clock.ts";
import type { AttemptSpools } from "./attempt-spool.ts";
import type { Checkout } from "./checkout.ts";
import type { ControlPlane } from "./control-plane.ts";
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
  clock: Clock;
  log: JobLog;
}
