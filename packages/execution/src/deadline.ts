import type { Clock } from "@windshift/base/clock.ts";
import { formatDuration } from "@windshift/base/duration.ts";
import { AppError } from "@windshift/contract/app-error.ts";

/**
 * Waits for `work`, but not longer than `ms` and not beyond `signal`. The work itself goes on: whoever cannot be
 * interrupted is left alone.
 * @throws AppError `timed_out` when the time is over or `signal` aborts
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const done = new AbortController();
  const limits = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]);
  const late = clock.sleep(ms, limits).then(() => {
    throw new AppError("timed_out", `no answer within ${formatDuration(ms)}`);
  });
  // When the work wins, the sleep is ended and its rejection has nobody left to tell.
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

/**
 * Does `work` with a signal that aborts after `ms`, or with `parent`. The work has to obey it.
 * @returns what the work gave, and whether its time ran out
 */
export async function limited<T>(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ value: T; expired: boolean }> {
  const late = new AbortController();
  const done = new AbortController();
  void clock.sleep(ms, AbortSignal.any([done.signal, parent])).then(() => {
    if (!done.signal.aborted && !parent.aborted) late.abort();
  });
  try {
    const value = await work(AbortSignal.any([late.signal, parent]));
    return { value, expired: late.signal.aborted };
  } finally {
    done.abort();
  }
}
