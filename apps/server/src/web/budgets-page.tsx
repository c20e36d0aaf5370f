/** @jsxImportSource hono/jsx */
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { BudgetView, UsageSum, WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import type { Budget } from "@windshift/contract/budget.ts";
import { UserName } from "./badge.tsx";
import { BudgetFields } from "./budget-fields.tsx";
import { BudgetUse } from "./budget-use.tsx";
import { FormError } from "./form-field.tsx";
import { SettingsFrame, type SettingsView } from "./settings-frame.tsx";

export interface BudgetsView extends SettingsView {
  usage: WorkspaceUsage;
  bindings: Binding[];
}

const MONTH = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

/** What the month's and the runs' budgets are, what is used of them, and where they are raised. */
export function BudgetsPage({ view }: { view: BudgetsView }) {
  const { workspace, usage, bindings } = view;
  return (
    <SettingsFrame view={view} title="Budgets" part="budgets" crumbs={[{ text: "Budgets" }]}>
      <header class="headline">
        <h1>Budgets</h1>
        <p class="muted">
          {MONTH.format(new Date(`${usage.month}-01T00:00:00Z`))} (UTC). An empty field is no limit. Runs that
          wait for a budget of the month go on when there is room; one that waits for its own is raised on its
          item.
        </p>
      </header>
      <section id="workspace" aria-labelledby="workspace-title">
        <h2 id="workspace-title">The workspace, in a month</h2>
        <div class="card stack">
          <Use id="workspace-use" sum={usage} budget={usage.budget} />
          <form
            class="stack"
            method="post"
            data-api={`/api/v1/workspaces/${workspace}/budget`}
            data-method="PUT"
            data-then="refresh"
            data-result="workspace-result"
            data-said="Saved. Runs that wait for it go on when there is room."
          >
            <FormError />
            <BudgetFields id="workspace-budget" of="a month" name="" budget={usage.budget} />
            <button type="submit" id="workspace-save">
              Save<span class="hidden"> the workspace's budget</span>
            </button>
            <p class="result" id="workspace-result" role="status"></p>
          </form>
        </div>
      </section>
      <section id="bindings" aria-labelledby="bindings-title">
        <h2 id="bindings-title">Agents</h2>
        {bindings.length === 0 && <p class="empty">No agent works in this workspace yet.</p>}
        {bindings.map((binding) => (
          <BindingBudgets view={view} binding={binding} />
        ))}
      </section>
    </SettingsFrame>
  );
}

function BindingBudgets({ view, binding }: { view: BudgetsView; binding: Binding }) {
  const { id, agent, budget } = binding;
  const used = view.usage.bindings.find(({ binding_id }) => binding_id === id);
  const repository = view.repositories.find((one) => one.id === binding.repository_id);
  return (
    <article class="card stack" id={`binding-${id}`} aria-labelledby={`binding-${id}-title`}>
      <header class="headline">
        <h3 id={`binding-${id}-title`}>
          <UserName user={agent} />
        </h3>
        <p class="muted small">
          {repository && `${repository.owner}/${repository.name}`}
          {binding.model !== null && ` · ${binding.model}`}
        </p>
      </header>
      {used && <Use id={`binding-${id}-use`} sum={used} budget={used.budget} />}
      <form
        class="stack"
        method="post"
        data-api={`/api/v1/bindings/${id}`}
        data-method="PATCH"
        data-then="refresh"
        data-result={`binding-${id}-result`}
        data-said="Saved. Runs that are queued or at work keep their own budget."
      >
        <FormError />
        <BudgetFields id={`binding-${id}-month`} of="a month" name="budget.month." budget={budget.month} />
        <BudgetFields id={`binding-${id}-run`} of="a run" name="budget.run." budget={budget.run} />
        <button type="submit" id={`binding-${id}-save`}>
          Save<span class="hidden"> the budgets of {agent.name}</span>
        </button>
        <p class="result" id={`binding-${id}-result`} role="status"></p>
      </form>
    </article>
  );
}

/** What was used in the month, beside its limits. */
function Use({ id, sum, budget }: { id: string; sum: UsageSum; budget: BudgetView | null }) {
  const limits: Budget = {
    tokens_max: budget?.tokens_max ?? null,
    cost_micros_max: budget?.cost_micros_max ?? null,
  };
  const counted = { tokens: sum.input_tokens + sum.output_tokens, cost: sum.cost_micros };
  return (
    <div id={id} data-refresh class="uses">
      <BudgetUse
        measure="tokens"
        used={limits.tokens_max === null ? counted.tokens : (budget?.tokens_used ?? 0)}
        max={limits.tokens_max}
      />
      <BudgetUse
        measure="cost"
        used={limits.cost_micros_max === null ? counted.cost : (budget?.cost_micros_used ?? 0)}
        max={limits.cost_micros_max}
      />
    </div>
  );
}
