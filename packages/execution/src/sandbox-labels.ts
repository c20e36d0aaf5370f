import type { HeldLabels } from "./sandbox.ts";

/** Labels of our containers. The sweep finds them by instance, so two servers on one engine leave each other alone. */
export const INSTANCE_LABEL = "org.windshift.instance";
export const RUN_LABEL = "org.windshift.run";
export const ATTEMPT_LABEL = "org.windshift.attempt";
export const ROLE_LABEL = "org.windshift.role";

export type ContainerRole = "agent" | "export" | "probe";

/** Labels that tell whose a container is, for the sweep after a crash. */
export function jobLabels(
  instance: string,
  run: number,
  attempt: number,
  role: ContainerRole,
): Record<string, string> {
  return {
    [INSTANCE_LABEL]: instance,
    [RUN_LABEL]: String(run),
    [ATTEMPT_LABEL]: String(attempt),
    [ROLE_LABEL]: role,
  };
}

/** Whether a container with these labels belongs to one of `keep`. */
export function isKept(labels: Record<string, string>, keep: readonly HeldLabels[]): boolean {
  return keep.some(
    (held) => labels[RUN_LABEL] === String(held.run) && labels[ATTEMPT_LABEL] === String(held.attempt),
  );
}
