import { systemClock } from "@windshift/base/clock.ts";
import type { Tracing } from "@windshift/base/tracing.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import type { RunPhase } from "@windshift/contract/run.ts";
import type { CloneCache } from "@windshift/execution/clone-cache.ts";
import type { DiskAttemptSpools } from "@windshift/execution/disk-attempt-spools.ts";
import { AGENT_GID, AGENT_UID } from "@windshift/execution/docker-argv.ts";
import { HurriedLooks } from "@windshift/execution/hurried-looks.ts";
import { runJob } from "@windshift/execution/job.ts";
import { PatientCheckout } from "@windshift/execution/patient-checkout.ts";
import type { Sandbox } from "@windshift/execution/sandbox.ts";
import { tracedDeps } from "@windshift/execution/traced-job.ts";
import { TriageCheckout } from "@windshift/execution/triage-checkout.ts";
import { pathsOf } from "./config.ts";
import { DEFAULT_PATH, isRoot } from "./engine.ts";
import type { HostPlane } from "./http-control-plane.ts";
import type { RunnerOptions } from "./runner-options.ts";

/** How a host does one job. */
export function createJobRunner(
  { settings, env, triage, log }: RunnerOptions,
  parts: {
    plane: HostPlane;
    sandbox: Sandbox;
    spools: DiskAttemptSpools;
    instance: string;
    clones: CloneCache;
    onPhase: (job: JobSpec, phase: RunPhase) => void;
    tracing: Tracing | undefined;
  },
) {
  const { plane, sandbox, spools, instance, clones, onPhase, tracing } = parts;
  const paths = pathsOf(settings);
  // Plain processes are the same user as this one: there is nobody to give the checkout to.
  const root = sandbox.isolation === "container" && isRoot();
  const triaged = new TriageCheckout({
    program: { argv: triage, env: { PATH: env.PATH ?? DEFAULT_PATH } },
    worktreeRoot: paths.worktrees,
    cacheRoot: paths.clones,
    clones,
    owner: root ? { uid: AGENT_UID, gid: AGENT_GID } : null,
    removeDir: (dir) => sandbox.removeDir(dir),
  });
  const checkout = new PatientCheckout(triaged, systemClock);
  const deps = {
    controlPlane: plane,
    checkout,
    sandbox,
    spools,
    settings: {
      instance,
      image: settings.image,
      allowedImages: settings.allowedImages,
      network: settings.network,
      command: ["windshift-agent"],
      heartbeatMs: settings.heartbeatMs,
      partitionMs: PARTITION_MS_MAX,
      workspaceBytesMax: settings.workspaceBytesMax,
      ...(settings.initialPrompt === undefined ? {} : { fallbackPrompt: settings.initialPrompt }),
    },
    hurriedLooks: new HurriedLooks(),
    onPhase,
    clock: systemClock,
    log,
  };
  return (job: JobSpec, cancel: AbortSignal) => runJob(job, tracedDeps(deps, job, tracing), { cancel });
}
