import { AppError } from "@windshift/contract/app-error.ts";
import { Attempt, RunId } from "@windshift/contract/ids.ts";
import { hashToken } from "@windshift/contract/tokens.ts";
import type { LlmGrant, LlmGrants } from "@windshift/llm-broker/llm-grant.ts";
import type { LlmTarget } from "@windshift/llm-broker/llm-target.ts";
import type { BudgetHolds } from "../budgets/budget-holds.ts";
import { budgetsOf, type ScopedBudget } from "../budgets/budget-limits.ts";
import { monthOf } from "../budgets/budget-month.ts";
import type { ScopeKey } from "../budgets/use-store.ts";
import type { Database } from "../db/database.ts";
import { isLiveAttempt } from "../runs/run-tokens.ts";
import { AttemptEnds } from "./attempt-ends.ts";
import { type Answers, type Found, GrantLooks, RunWatch } from "./grant-looks.ts";
import { createLlmBudget } from "./llm-budgets.ts";
import { isSameRun, type LlmRun, LlmRunReads } from "./llm-runs.ts";
import { Chain, type OpenLlmEndpoint, TargetReads } from "./llm-targets.ts";

/**
 * Tells the model broker what a run's agent token may do. What the database said is believed for a second, unless the
 * run is signaled to have changed; the provider's key is in none of it.
 */
export class TokenGrants implements LlmGrants {
  private readonly ends: AttemptEnds;
  private readonly runs: LlmRunReads;
  private readonly looks = new GrantLooks<LlmGrant>((keys, known) => this.read(keys, known));
  private readonly sources = new WeakMap<LlmGrant, Source>();
  private readonly free = new WeakMap<LlmTarget, readonly ScopeKey[]>();

  constructor(
    private readonly database: Database,
    private readonly holds: BudgetHolds,
    private readonly openEndpoint: OpenLlmEndpoint,
  ) {
    this.ends = new AttemptEnds(database);
    this.runs = new LlmRunReads(database.kysely);
  }

  find(token: string): Promise<LlmGrant | undefined> {
    return this.looks.find(hashToken(token));
  }

  /** The budgets that count what goes to a target although none of them had a limit when it was granted. */
  uncapped(target: LlmTarget): readonly ScopeKey[] | undefined {
    return this.free.get(target);
  }

  private async read(
    keys: readonly string[],
    known: (key: string) => Found<LlmGrant> | undefined,
  ): Promise<Answers<LlmGrant>> {
    const { kysely, signals } = this.database;
    const runs = await this.runs.find(keys);
    // Those that nobody listens to yet are listened to before anything else is read of them.
    const asked = runs.map((run) => {
      const before = known(run.token_hash);
      return { run, before, watch: before === undefined ? new RunWatch(signals, run.id) : undefined };
    });
    const targets = new TargetReads(kysely, this.openEndpoint);
    const answers: Answers<LlmGrant> = new Map();
    for (const { run, before, watch } of asked) {
      const grant = await this.grantOf(run, targets, before?.grant).catch(asError);
      if (grant instanceof Error) watch?.stop();
      if (grant instanceof Error) answers.set(run.token_hash, grant);
      else if (before !== undefined && before.grant === grant) answers.set(run.token_hash, before);
      else answers.set(run.token_hash, { grant, watch: watch ?? new RunWatch(signals, run.id) });
    }
    return answers;
  }

  /** The grant of before when nothing of it has changed. */
  private async grantOf(run: LlmRun, reads: TargetReads, before: LlmGrant | undefined): Promise<LlmGrant> {
    const month = monthOf(Date.now());
    const source = before && this.sources.get(before);
    const isSame = source !== undefined && source.month === month && isSameRun(source.run, run);
    const chain = isSame ? source.chain : Chain.parse(JSON.parse(run.grants));
    const targets = await reads.read(run.workspace_id, chain);
    if (before !== undefined && isSame && source.facts === targets.facts) return before;
    const grant = this.createGrant(run, targets.create(), budgetsOf(run, month));
    this.sources.set(grant, { run, month, chain, facts: targets.facts });
    return grant;
  }

  private createGrant(
    run: LlmRun,
    [first, ...fallbacks]: LlmTarget[],
    budgets: readonly ScopedBudget[],
  ): LlmGrant {
    if (first === undefined) throw noTarget();
    const targets = [first, ...fallbacks] as const;
    const limited = budgets.some(({ limit }) => limit.tokens !== null || limit.cost !== null);
    if (!limited) for (const target of targets) this.free.set(target, budgets);
    const runId = RunId.parse(run.id);
    const attempt = Attempt.parse(run.attempt);
    const ended = this.ends.signalFor(runId, attempt);
    const who = { runId, attempt, ended };
    const grant: LlmGrant = {
      ...who,
      targets,
      budget: limited ? createLlmBudget(this.holds, who) : null,
      isLive: async () =>
        this.looks.believes(run.token_hash, grant) || isLiveAttempt(this.database.kysely, runId, attempt),
    };
    return grant;
  }
}

/** What a grant was made of. */
interface Source {
  run: LlmRun;
  /** Budgets are counted by it. */
  month: string;
  chain: Chain;
  /** Of its targets. */
  facts: string;
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
