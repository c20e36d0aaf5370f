/** How often a condition is looked at, ms. */
const LOOK_MS = 10;

/**
 * Waits until `condition` holds: tests wait on facts, never for a time.
 * @throws Error naming the wait when it does not hold within `deadlineMs`
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = "the condition",
  deadlineMs = 20_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not hold within ${deadlineMs} ms`);
    await Bun.sleep(LOOK_MS);
  }
}
