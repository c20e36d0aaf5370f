import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@windshift/base/clock.ts";
import type { DiskAttemptSpools } from "@windshift/execution/disk-attempt-spools.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import type { HeldLabels, Sandbox } from "@windshift/execution/sandbox.ts";
import { INSTANCE_LABEL } from "@windshift/execution/sandbox-labels.ts";

/** Time between looks for what died attempts of this host left behind, ms. */
const SWEEP_MS = 300_000;
/** How long what an attempt could not deliver is kept, ms: after a week nobody waits for it any more. */
export const SPOOL_AGE_MS_MAX = 7 * 86_400_000;

export interface HygieneOptions {
  sandbox: Sandbox;
  /** Names this host's containers. */
  instance: string;
  /** Folder of the per-run checkouts, absolute. */
  worktrees: string;
  spools: DiskAttemptSpools;
  /** What runs, as it is at each moment. */
  held: readonly HeldLabels[];
  log: JobLog;
}

/**
 * Removes what attempts of this host left that are not held: containers, folders, and spools that are too old to be wanted.
 * Never what is another's: two runners may share an engine. Never rejects.
 */
export async function sweepHost(options: HygieneOptions): Promise<void> {
  await sweepContainers(options);
  await sweepFolders(options);
  const dropped = await options.spools.dropOlderThan(SPOOL_AGE_MS_MAX);
  if (dropped.length > 0)
    options.log.warn("what attempts had left was never delivered and is too old now", { dropped });
}

/** Sweeps now and then until `signal` aborts; the first time after a while. */
export async function keepSweeping(
  options: HygieneOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(SWEEP_MS, signal);
    if (!signal.aborted) await sweepHost(options);
  }
}

async function sweepContainers({ sandbox, instance, held, log }: HygieneOptions): Promise<void> {
  try {
    const removed = await sandbox.sweep({ [INSTANCE_LABEL]: instance }, held);
    if (removed.length > 0) log.info("containers of attempts that ended were removed", { removed });
  } catch (error) {
    log.warn("containers of attempts that ended could not be looked for", { error });
  }
}

async function sweepFolders({ sandbox, worktrees, held, log }: HygieneOptions): Promise<void> {
  for (const name of await readdir(worktrees).catch(() => [])) {
    const [, run, attempt] = /^run-(\d+)-(\d+)$/.exec(name) ?? [];
    if (run === undefined) continue;
    if (held.some((one) => one.run === Number(run) && one.attempt === Number(attempt))) continue;
    await sandbox
      .removeDir(join(worktrees, name))
      .catch((error: unknown) =>
        log.warn("a folder of an attempt that ended could not be removed", { name, error }),
      );
  }
}
