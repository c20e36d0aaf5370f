/** How long what was found out is relied on, ms: each question costs a start of the engine's command line. */
export const FACT_MS_MAX = 60_000;

/** Things that were true a moment ago and are not asked again at once. Whoever relies on one must notice when it is wrong. */
export class RecentFacts {
  private readonly foundAtMs = new Map<string, number>();

  /** @param nowMs a clock that never goes back */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /**
   * Asks `check` for what is wrong, unless it said not long ago that nothing is.
   * @returns undefined when nothing is wrong
   */
  async problem<T>(fact: string, check: () => Promise<T | undefined>): Promise<T | undefined> {
    const foundAtMs = this.foundAtMs.get(fact);
    if (foundAtMs !== undefined && this.nowMs() - foundAtMs < FACT_MS_MAX) return undefined;
    const problem = await check();
    if (problem === undefined) this.foundAtMs.set(fact, this.nowMs());
    else this.foundAtMs.delete(fact);
    return problem;
  }

  /** Forgets what is relied on. @returns whether there was anything */
  forget(): boolean {
    const relied = this.foundAtMs.size > 0;
    this.foundAtMs.clear();
    return relied;
  }
}
