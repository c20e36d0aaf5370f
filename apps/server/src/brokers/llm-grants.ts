import { AppError, assert } from "@windshift/contract/app-error.ts";
import type { Attempt } from "@windshift/contract/ids.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import type { LlmGrant, LlmGrants } from "@windshift/llm-broker/llm-grant.ts";
import type { LlmTarget } from "@windshift/llm-broker/llm-target.ts";
import type { BudgetHolds } from "../budgets/budget-holds.ts";
import { readRunBudgets } from "../budgets/budget-limits.ts";
import { monthOf } from "../budgets/budget-month.ts";
import type { ScopeKey } from "../budgets/use-store.ts";
import type { Database } from "../db/database.ts";
import type { Run } from "../runs/run.ts";
import { findRunByToken, isLiveAttempt } from "../runs/run-tokens.ts";
import { AttemptEnds } from "./attempt-ends.ts";
import { createLlmBudget } from "./llm-budgets.ts";
import { type OpenLlmEndpoint, readTargets } from "./llm-targets.ts";

/** How long a look at the database answers for a token, ms. A wake-up of the run ends it at once; this bounds one that was lost. */
const LOOK_MS = 1_000;
/** Looks that are kept; far more than runs that call models at once. */
const LOOKS_MAX = 10_000;

interface Look {
  grant: LlmGrant;
  untilMs: number;
  /** Ends listening to the run. */
  stop(): void;
}

/**
 * Tells the model broker what a run's agent token may do. What the database said is believed for a second, unless the
 * run is signaled to have changed; the provider's key is in none of it.
 */
export class TokenGrants implements LlmGrants {
  private readonly ends: AttemptEnds;
  private readonly looks = new Map<string, Look>();
  private readonly free = new WeakMap<LlmTarget, readonly ScopeKey[]>();

  constructor(
    private readonly database: Database,
    private readonly holds: BudgetHolds,
    private readonly openEndpoint: OpenLlmEndpoint,
  ) {
    this.ends = new AttemptEnds(database);
  }

  async find(token: string): Promise<LlmGrant | undefined> {
    const key = hashToken(token);
    const known = this.looks.get(key);
    if (known !== undefined && performance.now() < known.untilMs) return known.grant;
    this.forget(key);
    const run = await findRunByToken(this.database.kysely, token, "agent");
    return run === undefined ? undefined : this.grantOf(key, run);
  }

  /** The budgets that count what goes to a target although none of them had a limit when it was granted. */
  uncapped(target: LlmTarget): readonly ScopeKey[] | undefined {
    return this.free.get(target);
  }

  private async grantOf(key: string, run: Run): Promise<LlmGrant> {
    assert(run.grants !== null && run.attempt > 0, `run ${run.id} has a token but no grants`);
    const attempt = run.attempt as Attempt;
    const db = this.database.kysely;
    const stop = this.database.signals.listen(`run:${run.id}`, () => this.forget(key));
    try {
      const [first, ...fallbacks] = await readTargets(db, run.workspace_id, run.grants, this.openEndpoint);
      if (first === undefined) throw noTarget();
      const { budgets } = await readRunBudgets(db, run.id, monthOf(Date.now()));
      const limited = budgets.some(({ limit }) => limit.tokens !== null || limit.cost !== null);
      if (!limited) for (const target of [first, ...fallbacks]) this.free.set(target, budgets);
      const ended = this.ends.signalFor(run.id, attempt);
      const who = { runId: run.id, attempt, ended };
      const grant: LlmGrant = {
        ...who,
        targets: [first, ...fallbacks],
        budget: limited ? createLlmBudget(this.holds, who) : null,
        isLive: async () => this.looks.get(key)?.grant === grant || isLiveAttempt(db, run.id, attempt),
      };
      this.keep(key, { grant, untilMs: performance.now() + LOOK_MS, stop });
      return grant;
    } catch (error) {
      stop();
      throw error;
    }
  }

  private keep(key: string, look: Look): void {
    if (this.looks.size >= LOOKS_MAX) for (const old of [...this.looks.keys()]) this.forget(old);
    this.forget(key);
    this.looks.set(key, look);
  }

  private forget(key: string): void {
    this.looks.get(key)?.stop();
    this.looks.delete(key);
  }
}

function noTarget(): AppError {
  return new AppError(
    "not_found",
    "The LLM connection of this run is gone; an admin must choose another in the binding.",
  );
}
