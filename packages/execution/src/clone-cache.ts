import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { formatByteSize } from "@windshift/base/byte-size.ts";
import type { Clock } from "@windshift/base/clock.ts";
import { type CloneTools, packCount, removeClone, repackClone } from "./clone-tools.ts";
import { diskUse } from "./disk-use.ts";
import type { JobLog } from "./job-log.ts";

/** What the clones of a host may take together, bytes. */
export const CACHE_BYTES_MAX = 20 * 1_024 ** 3;
/** How long a clone is kept that nobody uses, ms. */
export const CACHE_AGE_MS_MAX = 30 * 86_400_000;
/** Most that can be set, ms: ten years are for good. */
export const CACHE_AGE_MS_MOST = 3_650 * 86_400_000;
/** Time between two rounds over the clones, ms: a host clones a few repositories in that time. */
const ROUND_MS = 600_000;
/** Packs of one clone after which they are made one. Each fetch brings a pack, and each checkout copies them all. */
export const CLONE_PACKS_MAX = 40;

export interface CloneCacheOptions extends CloneTools {
  /** Folder of the bare clones, `<key>.git` each, absolute. */
  root: string;
  /** Together they may hold so much, bytes; what is in use stays even beyond that. */
  bytesMax: number;
  /** A clone that no attempt used for so long goes, ms. */
  ageMsMax: number;
  /** Packs of one clone before it is repacked. Default CLONE_PACKS_MAX. */
  packsMax?: number;
  nowMs: () => number;
  log: JobLog;
}

/** What one round did, by the names of the clones. */
export interface CacheRound {
  removed: string[];
  repacked: string[];
  bytes: number;
}

interface Clone {
  name: string;
  usedAtMs: number;
  bytes: number;
}

/**
 * The bare clones of a host, kept within a size and an age. An attempt holds its clone from before its checkout to after its
 * push; what is held is neither removed nor repacked. One process owns the folder.
 */
export class CloneCache {
  private readonly holds = new Map<string, number>();
  /** What is being removed or repacked, and how to make it end early. */
  private readonly worked = new Map<string, { done: Promise<void>; stop: AbortController }>();

  constructor(private readonly options: CloneCacheOptions) {}

  /**
   * Keeps the clone of `key` as it is until the returned function is called. Waits for a round that has it in its hands: a
   * repack is given up for it.
   */
  async hold(key: string): Promise<() => void> {
    const name = `${key}.git`;
    this.holds.set(name, (this.holds.get(name) ?? 0) + 1);
    const work = this.worked.get(name);
    work?.stop.abort();
    await work?.done;
    await this.touch(name);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.holds.get(name) ?? 1) - 1;
      if (left > 0) this.holds.set(name, left);
      else this.holds.delete(name);
      void this.touch(name);
    };
  }

  /** Removes what is too old, then the longest unused until all fit; then makes many packs of a clone one. Never rejects. */
  async tidy(signal?: AbortSignal): Promise<CacheRound> {
    const round: CacheRound = { removed: [], repacked: [], bytes: 0 };
    await this.removeRemains();
    const clones = await this.list();
    round.bytes = clones.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const clone of clones) {
      if (signal?.aborted) return round;
      const old = clone.usedAtMs < this.options.nowMs() - this.options.ageMsMax;
      if (!old && round.bytes <= this.options.bytesMax) continue;
      if (!(await this.work(clone.name, () => removeClone(this.options, this.pathOf(clone.name))))) continue;
      round.removed.push(clone.name);
      round.bytes -= clone.bytes;
    }
    for (const { name } of clones) {
      if (signal?.aborted) return round;
      if (!round.removed.includes(name) && (await this.repack(name, signal))) round.repacked.push(name);
    }
    this.report(round);
    return round;
  }

  private async repack(name: string, signal: AbortSignal | undefined): Promise<boolean> {
    const dir = this.pathOf(name);
    if ((await packCount(dir)) <= (this.options.packsMax ?? CLONE_PACKS_MAX)) return false;
    return this.work(name, (stop) =>
      repackClone(this.options, dir, signal === undefined ? stop : AbortSignal.any([stop, signal])),
    );
  }

  /** Does something to a clone that nobody holds. @returns whether it was done */
  private async work(name: string, act: (stop: AbortSignal) => Promise<boolean>): Promise<boolean> {
    if (this.holds.has(name)) return false;
    const stop = new AbortController();
    const acted = act(stop.signal).catch((error: unknown) => {
      this.options.log.warn("a clone in the cache could not be tended", { clone: name, error });
      return false;
    });
    this.worked.set(name, { stop, done: acted.then(() => undefined) });
    try {
      return await acted;
    } finally {
      this.worked.delete(name);
    }
  }

  /** Longest unused first. */
  private async list(): Promise<Clone[]> {
    const clones: Clone[] = [];
    for (const name of await namesIn(this.options.root)) {
      if (!name.endsWith(".git")) continue;
      const dir = this.pathOf(name);
      const found = await stat(`${dir}.used`).catch(() => stat(dir).catch(() => undefined));
      if (found === undefined) continue;
      const use = await diskUse(dir, this.options.path);
      if (use.kind === "unknown")
        this.options.log.warn("the size of a clone in the cache could not be found in time", { clone: name });
      clones.push({ name, usedAtMs: found.mtimeMs, bytes: use.kind === "unknown" ? 0 : use.bytes });
    }
    return clones.sort((a, b) => a.usedAtMs - b.usedAtMs);
  }

  /** What a removal that was cut off left. */
  private async removeRemains(): Promise<void> {
    for (const name of await namesIn(this.options.root))
      if (name.endsWith(".git.gone"))
        await rm(this.pathOf(name), { recursive: true, force: true }).catch(() => undefined);
  }

  /** Notes when a clone was last used: the time of the folder itself is that of its last fetch. */
  private async touch(name: string): Promise<void> {
    const file = `${this.pathOf(name)}.used`;
    const now = new Date(this.options.nowMs());
    await utimes(file, now, now)
      .catch(() => Bun.write(file, "").then(() => utimes(file, now, now)))
      .catch(() => undefined);
  }

  private pathOf(name: string): string {
    return join(this.options.root, name);
  }

  private report({ removed, repacked, bytes }: CacheRound): void {
    const { log, bytesMax } = this.options;
    if (removed.length + repacked.length > 0)
      log.info("clones in the cache were tidied", { removed, repacked, size: formatByteSize(bytes) });
    if (bytes > bytesMax)
      log.warn("the clones in the cache are larger than their limit, and all that is left is in use", {
        size: formatByteSize(bytes),
        limit: formatByteSize(bytesMax),
      });
  }
}

/** A round now and then until `signal` aborts; the first at once. */
export async function keepCloneCache(
  cache: CloneCache,
  clock: Clock,
  signal: AbortSignal,
  onRound: (round: CacheRound) => void = () => undefined,
): Promise<void> {
  while (!signal.aborted) {
    onRound(await cache.tidy(signal));
    await clock.sleep(ROUND_MS, signal);
  }
}

async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}
