import type { GitGrant } from "./git-grant.ts";

/** Runs whose tips are remembered, and tips of each: more are forgotten, oldest first, and asked for again. */
const RUNS_MAX = 10_000;
const TIPS_MAX = 1_024;

/**
 * What the lists of refs that a run was shown pointed at. A fetch may ask for that also after the branch moved on. Only a
 * memory: what is not in it is asked of the upstream again.
 */
export class ShownTips {
  private readonly runs = new Map<number, Set<string>>();

  add(grant: GitGrant, oids: readonly string[]): void {
    const tips = this.runs.get(grant.runId) ?? new Set();
    this.runs.delete(grant.runId);
    this.runs.set(grant.runId, tips);
    for (const oid of oids) {
      tips.delete(oid);
      tips.add(oid);
    }
    trim(tips, TIPS_MAX);
    trim(this.runs, RUNS_MAX);
  }

  lacks(grant: GitGrant, oids: readonly string[]): boolean {
    const tips = this.runs.get(grant.runId);
    return oids.some((oid) => tips?.has(oid) !== true);
  }
}

/**
 * Where a run's branch stood when the upstream listed it for a push. Good for one push: after it the branch stands elsewhere,
 * or the client asks again.
 */
export class PushTips {
  private readonly runs = new Map<number, string | null>();

  /** @param tip null when there was no such branch */
  add(grant: GitGrant, tip: string | null): void {
    this.runs.delete(grant.runId);
    this.runs.set(grant.runId, tip);
    trim(this.runs, RUNS_MAX);
  }

  take(grant: GitGrant): string | null | undefined {
    const tip = this.runs.get(grant.runId);
    this.runs.delete(grant.runId);
    return tip;
  }
}

/** Both kinds keep the order in which they were filled. */
function trim<T>(
  kept: { size: number; keys(): IterableIterator<T>; delete(key: T): boolean },
  max: number,
): void {
  for (const key of kept.keys()) {
    if (kept.size <= max) return;
    kept.delete(key);
  }
}
