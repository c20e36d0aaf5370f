import type { DockerCli } from "./docker-cli.ts";

/** Wait for the engine to remove a container that may not even exist, ms: a job stands still meanwhile. */
const REMOVE_MS_MAX = 10_000;
/** When an engine that gave no answer is asked once more to remove what it may have made since, ms. */
const LATE_REMOVE_MS = 5_000;

/**
 * Removes what a failed creation may have left under its name. An engine whose answer was not waited for may carry the
 * creation out later, so it is asked a second time in the background; what even that misses, the next sweep finds.
 */
export async function removeUnseen(
  cli: DockerCli,
  name: string,
  message: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Then the container with this name is not the one that was asked for.
  if (/already in use/i.test(message)) return;
  const timeoutMs = Math.min(REMOVE_MS_MAX, cli.callMsMax);
  const remove = () => cli.call(["rm", "--force", "--volumes", name], { timeoutMs });
  // After a plain refusal the caller may try again under this name, which a late removal must not hit.
  const unanswered = signal?.aborted || /no answer within/.test(message);
  if (unanswered) setTimeout(() => void remove(), LATE_REMOVE_MS).unref();
  await remove();
}
