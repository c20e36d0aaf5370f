import { AppError } from "@windshift/contract/app-error.ts";
import type { Log } from "../http/log.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { type CostlyWork, findCostly } from "./costly-work.ts";
import type { MemoryReading } from "./memory-reading.ts";

/** Share of the memory there is from which on costly work is turned away: the last tenth is for what is under way, and the kernel ends a process at its limit without a word. */
const SHORT_SHARE_MAX = 0.9;
/** Share below which such work is taken again: far enough from the other that it does not change with every request. */
const CALM_SHARE_MAX = 0.85;
/** When a caller may try again, s: memory is looked at twice a second, and what is under way takes some seconds to end. */
const RETRY_AFTER_S = 5;
/** Between two times that the heap is cleared out because memory is short, ms: everybody waits while it is done, some tenths of a second. */
const COLLECT_MS_MIN = 30_000;

const IN_WORDS: Record<CostlyWork, string> = {
  model_call: "model calls are",
  git: "clones and fetches are",
  stream: "live views are",
  export: "exports are",
  backup: "backups are",
  run: "runs are",
};

interface MemoryGateParts {
  read(): MemoryReading;
  /** Gives back what this process holds and does not use; takes a moment. */
  collect(): void;
  log: Pick<Log, "info" | "warn">;
  metrics: Pick<ServerMetrics, "memoryRead" | "memoryRefused">;
  nowMs?: () => number;
}

/**
 * Turns new costly work away while memory is short, so that what was taken comes to its end: a process that the kernel ends loses
 * every stream and every model call at once. Nothing that was acknowledged depends on it: that is in the database.
 */
export class MemoryGate {
  private short = false;
  private collectedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: MemoryGateParts) {}

  get isShort(): boolean {
    return this.short;
  }

  /** Looks at the memory anew. What is not used any more is given back first, as a runtime keeps it for a while. */
  look(): void {
    let reading = this.parts.read();
    if (this.isOver(reading) && this.mayCollect()) {
      this.parts.collect();
      reading = this.parts.read();
    }
    const isShort = this.isOver(reading);
    if (isShort !== this.short) this.turn(isShort, reading);
    this.parts.metrics.memoryRead(reading, isShort);
  }

  /** @returns why work of this kind is not begun now */
  refusal(work: CostlyWork): AppError | undefined {
    if (!this.short) return undefined;
    this.parts.metrics.memoryRefused(work);
    return new AppError(
      "unavailable",
      `this server has little memory left: ${IN_WORDS[work]} not begun until it has more; nothing that was taken is lost, try again in a moment`,
      { retryAfterS: RETRY_AFTER_S },
    );
  }

  /** For the doorkeeper of all routes: ahead of everything that a request costs. */
  refusalOf(
    { method }: Pick<Request, "method">,
    path: string,
  ): { error: AppError; route: string } | undefined {
    if (!this.short) return undefined;
    const costly = findCostly(method, path);
    const error = costly && this.refusal(costly.work);
    return error && { error, route: costly.path };
  }

  private isOver({ usedBytes, limitBytes }: MemoryReading): boolean {
    return usedBytes >= limitBytes * (this.short ? CALM_SHARE_MAX : SHORT_SHARE_MAX);
  }

  private mayCollect(): boolean {
    const nowMs = (this.parts.nowMs ?? (() => performance.now()))();
    if (nowMs - this.collectedAtMs < COLLECT_MS_MIN) return false;
    this.collectedAtMs = nowMs;
    return true;
  }

  private turn(isShort: boolean, reading: MemoryReading): void {
    this.short = isShort;
    const { log } = this.parts;
    if (isShort)
      log.warn(
        { ...reading },
        "memory is short: new runs, model calls, clones and fetches, live views, exports and backups are turned away",
      );
    else log.info({ ...reading }, "there is memory again: all work is taken");
  }
}
