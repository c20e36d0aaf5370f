/** Default deadline, ms: far above what the awaited things take, so that only a real fault runs into it. */
const DEADLINE_MS = 10_000;
/** Between two looks, ms. */
const LOOK_MS = 20;

/**
 * Waits until `look` gives a value (anything but undefined, null and false), looking every 20 ms.
 * @param what the awaited fact, for the message of a failure: "the run is queued"
 * @throws Error at the deadline, with what `look` last threw as its cause
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  let cause: unknown;
  do {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false) return seen;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await Bun.sleep(LOOK_MS);
  } while (performance.now() < endMs);
  throw new Error(`waited ${deadlineMs} ms in vain until ${what}`, { cause });
}
