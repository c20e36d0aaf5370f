import type { Clock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { ErrorCode } from "@windshift/contract/error-codes.ts";
import type { BootId } from "@windshift/contract/runner.ts";
import type { ControlPlane, HeldRun, WriteReply } from "./control-plane.ts";
import { within } from "./deadline.ts";
import type { DiskAttemptSpools, Leftover } from "./disk-attempt-spools.ts";
import { EventOutbox } from "./event-outbox.ts";
import type { JobLog } from "./job-log.ts";

/** Time between two rounds over what could not be delivered, ms: the server may be back. */
export const LEFTOVER_ROUND_MS = 30_000;
/** Time for one result, ms. */
const REPORT_TRY_MS_MAX = 30_000;

/** Speaks to the server as one start of this runner. */
export type LeftoverPlane = Pick<ControlPlane, "append" | "report">;

export interface LeftoverOptions {
  spools: DiskAttemptSpools;
  /** The control plane that names the boot an attempt was made under; with any other the server knows of no such attempt. */
  controlPlaneFor: (boot: BootId) => LeftoverPlane;
  clock: Clock;
  log: JobLog;
}

/** Attempts by what became of them; `kept` ones are tried again in the next round. */
export interface LeftoverCount {
  delivered: number;
  lost: number;
  kept: number;
}

/** `lost`: nobody wants it any more. `away`: kept, and to try others now would come to the same. */
type LeftoverEnd = keyof LeftoverCount | "away";

/**
 * Delivers what attempts left behind, one after the other: events, then the result. What was delivered or is lost is removed;
 * a server that cannot be reached, or takes nothing of this host, ends the round and keeps the rest. To be called before the first request under a new boot,
 * which makes the server give up the attempts of the older ones.
 */
export async function deliverLeftovers(
  options: LeftoverOptions,
  signal: AbortSignal,
): Promise<LeftoverCount> {
  const count: LeftoverCount = { delivered: 0, lost: 0, kept: 0 };
  const names = await options.spools.names();
  for (const [i, name] of names.entries()) {
    const leftover = await options.spools.take(name);
    if (leftover === undefined) continue;
    const end = await deliver(leftover, options, signal).catch((error: unknown) => {
      options.log.warn("what an attempt left could not be delivered", { ...leftover.held, error });
      return isAway(error) || signal.aborted ? "away" : "kept";
    });
    const kept = end === "kept" || end === "away";
    await leftover.end(kept);
    count[end === "away" ? "kept" : end]++;
    if (!kept) options.log.info("what an attempt left is settled", { ...leftover.held, end });
    if (end !== "away") continue;
    count.kept += names.length - i - 1;
    break;
  }
  return count;
}

/** Does rounds of `deliverLeftovers` until `signal` aborts: also what a job of this start could not deliver gets its turn. */
export async function keepDelivering(options: LeftoverOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await deliverLeftovers(options, signal);
    await options.clock.sleep(LEFTOVER_ROUND_MS, signal);
  }
}

async function deliver(
  leftover: Leftover,
  { controlPlaneFor, clock, log }: LeftoverOptions,
  signal: AbortSignal,
): Promise<LeftoverEnd> {
  const { held, events, result } = leftover;
  const run: HeldRun = { run_id: held.run, attempt: held.attempt };
  const plane = speaking(controlPlaneFor(held.boot));
  const outbox = new EventOutbox({
    spool: events,
    append: (batch) => plane.append(run, batch).catch(lostWhenGone),
    clock,
    log,
    onLeaseLost: () => undefined,
    triesMax: 1,
  });
  const stop = () => outbox.abandon();
  signal.addEventListener("abort", stop, { once: true });
  await outbox.flush().finally(() => signal.removeEventListener("abort", stop));
  if (outbox.end === "lease_lost") return "lost";
  if (signal.aborted) return "away";
  if (outbox.end === "unreachable") return isAway(outbox.lastFailure) ? "away" : "kept";
  // Without its last events the result still counts, when the server will never take them.
  if (result === null) return "delivered";
  try {
    const answer = await within(clock, REPORT_TRY_MS_MAX, plane.report(run, result), signal);
    return answer === "accepted" ? "delivered" : "lost";
  } catch (error) {
    if (!isForGood(error)) throw error;
    log.error("the server will never take the result of an attempt", { ...held, error });
    return "lost";
  }
}

/** What is not one of our codes is a broken connection; a spool that cannot be read is none, and in nobody's way. */
function speaking(plane: LeftoverPlane): LeftoverPlane {
  const broken = (cause: unknown) => {
    if (cause instanceof AppError) throw cause;
    throw new AppError("unavailable", "the server could not be reached", { cause });
  };
  return {
    append: (run, events) => plane.append(run, events).catch(broken),
    report: (run, result) => plane.report(run, result).catch(broken),
  };
}

/** What another attempt's events and result would meet with, too. */
const AWAY: ReadonlySet<ErrorCode> = new Set(["unavailable", "timed_out", "rate_limited", "unauthenticated"]);

function isAway(error: unknown): boolean {
  return error instanceof AppError && AWAY.has(error.code);
}

/** A run that was deleted takes no events. */
function lostWhenGone(error: unknown): WriteReply {
  if (error instanceof AppError && error.code === "not_found") return { kind: "lease_lost" };
  throw error;
}

/** What does not change by asking again. A credential that is refused may only be the wrong one. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set([
  "lease_lost",
  "superseded",
  "not_found",
  "conflict",
  "run_ended",
  "invalid_input",
  "too_large",
]);

function isForGood(error: unknown): boolean {
  return error instanceof AppError && FOR_GOOD.has(error.code);
}
