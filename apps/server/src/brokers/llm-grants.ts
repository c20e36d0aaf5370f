import { AppError, assert } from "@windshift/contract/app-error.ts";
import type { Attempt } from "@windshift/contract/ids.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import type { LlmGrant, LlmGrants } from "@windshift/llm-broker/llm-grant.ts";
import type { LlmTarget } from "@windshift/llm-broker/llm-target.ts";
import type { BudgetHolds } from "../budgets/budget-holds.ts";
import { findRunBudgets, type ScopedBudget } from "../budgets/budget-limits.ts";
import { monthOf } from "../budgets/budget-month.ts";
import type { ScopeKey } from "../budgets/use-store.ts";
import type { Database } from "../db/database.ts";
import type { Run } from "../runs/run.ts";
import { findRunsByTokens, isLiveAttempt } from "../runs/run-tokens.ts";
import { AttemptEnds } from "./attempt-ends.ts";
import { type Answers, GrantLooks, RunWatch } from "./grant-looks.ts";
import { createLlmBudget } from "./llm-budgets.ts";
import { type OpenLlmEndpoint, TargetReads } from "./llm-targets.ts";

/**
 * Tells the model broker what a run's agent token may do. What the database said is believed for a second, unless the
 * run is signaled to have changed; the provider's key is in none of it.
 */
export class TokenGrants implements LlmGrants {
  private readonly ends: AttemptEnds;
  private readonly looks = new GrantLooks<LlmGrant>((keys) => this.read(keys));
  private readonly free = new WeakMap<LlmTarget, readonly ScopeKey[]>();

  constructor(
    private readonly database: Database,
    private readonly holds: BudgetHolds,
    private readonly openEndpoint: OpenLlmEndpoint,
  ) {
    this.ends = new AttemptEnds(database);
  }

  find(token: string): Promise<LlmGrant | undefined> {
    return this.looks.find(hashToken(token));
  }

  /** The budgets that count what goes to a target although none of them had a limit when it was granted. */
  uncapped(target: LlmTarget): readonly ScopeKey[] | undefined {
    return this.free.get(target);
  }

  private async read(keys: readonly string[]): Promise<Answers<LlmGrant>> {
    const db = this.database.kysely;
    const runs = [...(await findRunsByTokens(db, keys, "agent"))];
    const watches = runs.map(([, run]) => new RunWatch(this.database.signals, run.id));
    try {
      const month = monthOf(Date.now());
      const asked = runs.map(([, run]) => ({ runId: run.id, month }));
      const budgets = asked.length === 0 ? [] : await findRunBudgets(db, asked);
      const targets = new TargetReads(db, this.openEndpoint);
      const answers: Answers<LlmGrant> = new Map();
      for (const [at, [key, run]] of runs.entries()) {
        const grant = await this.grantOf(key, run, targets, budgets[at]?.budgets ?? []).catch(asError);
        const watch = watches[at] as RunWatch;
        if (grant instanceof Error) watch.stop();
        answers.set(key, grant instanceof Error ? grant : { grant, watch });
      }
      return answers;
    } catch (error) {
      for (const watch of watches) watch.stop();
      throw error;
    }
  }

  private async grantOf(
    key: string,
    run: Run,
    reads: TargetReads,
    budgets: readonly ScopedBudget[],
  ): Promise<LlmGrant> {
    assert(run.grants !== null && run.attempt > 0, `run ${run.id} has a token but no grants`);
    const attempt = run.attempt as Attempt;
    const [first, ...fallbacks] = await reads.read(run.workspace_id, run.grants);
    if (first === undefined) throw noTarget();
    const limited = budgets.some(({ limit }) => limit.tokens !== null || limit.cost !== null);
    if (!limited) for (const target of [first, ...fallbacks]) this.free.set(target, budgets);
    const ended = this.ends.signalFor(run.id, attempt);
    const who = { runId: run.id, attempt, ended };
    const grant: LlmGrant = {
      ...who,
      targets: [first, ...fallbacks],
      budget: limited ? createLlmBudget(this.holds, who) : null,
      isLive: async () =>
        this.looks.believes(key, grant) || isLiveAttempt(this.database.kysely, run.id, attempt),
    };
    return grant;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function noTarget(): AppError {
  return new AppError(
    "not_found",
    "The LLM connection of this run is gone; an admin must choose another in the binding.",
  );
}
