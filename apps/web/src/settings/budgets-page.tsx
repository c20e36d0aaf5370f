import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import { useEffect } from "react";
import { sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { onFirstUse } from "../parts/first-use.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { budgetBody, budgetTyped } from "./binding-draft.ts";
import { BudgetFields } from "./budget-fields.tsx";
import { UsedOfBudget } from "./budget-use.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { bindingsQuery, refreshSettings, repositoriesQuery, usageQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

const monthFormat = onFirstUse(
  () => new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" }),
);

/** What the month's and the runs' budgets are, what is used of them, and where they are raised. */
export function BudgetsPage() {
  const workspace = useWorkspaceKey();
  const { data: usage } = useSuspenseQuery(usageQuery(workspace));
  const { bindings } = useSuspenseQuery(bindingsQuery(workspace)).data;
  useEffect(() => {
    // Runs that wait for a budget lead to the part that is theirs.
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, []);
  return (
    <>
      <PageHead title="Budgets" />
      <Text c="dimmed" size="sm" mb="md">
        {monthFormat().format(new Date(`${usage.month}-01T00:00:00Z`))} (UTC). An empty field is no limit.
        Runs that wait for a budget of the month go on when there is room; one that waits for its own is
        raised on its item.
      </Text>
      <div id="workspace">
        <Section title="The workspace, in a month">
          <WorkspaceBudgetForm workspace={workspace} usage={usage} />
        </Section>
      </div>
      <div id="bindings">
        <Section title="Agents">
          {bindings.length === 0 && <EmptyState title="No agent works in this workspace yet" />}
          {bindings.map((binding) => (
            <BindingBudgets key={binding.id} workspace={workspace} usage={usage} binding={binding} />
          ))}
        </Section>
      </div>
    </>
  );
}

function WorkspaceBudgetForm({ workspace, usage }: { workspace: string; usage: WorkspaceUsage }) {
  const [typed, change, forget, touched] = useEditDraft(`budget:${workspace}`, budgetTyped(usage.budget));
  const form = useApiForm(["tokens_max", "cost_micros_max"]);
  const save = async () => {
    await sendApi("PUT", `/api/v1/workspaces/${workspace}/budget`, budgetBody(typed, ""));
    await refreshSettings(workspace, "usage");
    forget();
  };
  return (
    <>
      <UsedOfBudget sum={usage} budget={usage.budget} />
      <FormFrame
        form={form}
        verb="Save the workspace's budget"
        label="Budget of the workspace"
        onSend={save}
        onDiscard={touched ? forget : undefined}
        done="Saved. Runs that wait for it go on when there is room."
        variant="default"
      >
        <BudgetFields of="a month" path="" form={form} typed={typed} change={change} />
      </FormFrame>
    </>
  );
}

const BINDING_BUDGET_FIELDS = [
  ...["budget.run.tokens_max", "budget.run.cost_micros_max"],
  ...["budget.month.tokens_max", "budget.month.cost_micros_max"],
];

function BindingBudgets(props: { workspace: string; usage: WorkspaceUsage; binding: Binding }) {
  const { workspace, usage, binding } = props;
  const { id, agent, budget } = binding;
  const { repositories } = useSuspenseQuery(repositoriesQuery(workspace)).data;
  const saved = { run: budgetTyped(budget.run), month: budgetTyped(budget.month) };
  const [typed, change, forget, touched] = useEditDraft(`budget:binding:${id}`, saved);
  const form = useApiForm(BINDING_BUDGET_FIELDS);
  const used = usage.bindings.find(({ binding_id }) => binding_id === id);
  const repository = repositories.find((one) => one.id === binding.repository_id);
  const save = async () => {
    const body = {
      budget: {
        run: budgetBody(typed.run, "budget.run"),
        month: budgetBody(typed.month, "budget.month"),
      },
    };
    await sendApi("PATCH", `/api/v1/bindings/${id}`, body);
    await refreshSettings(workspace, "usage", "bindings");
    forget();
  };
  return (
    <article className="row" id={`binding-${id}`} aria-label={agent.name}>
      <h3 className="row-name">
        <PersonName user={agent} />
      </h3>
      <p className="quiet">
        {repository && `${repository.owner}/${repository.name}`}
        {binding.model !== null && ` · ${binding.model}`}
      </p>
      {used && <UsedOfBudget sum={used} budget={used.budget} />}
      <FormFrame
        form={form}
        verb={`Save the budgets of ${agent.name}`}
        label={`Budgets of ${agent.name}`}
        onSend={save}
        onDiscard={touched ? forget : undefined}
        done="Saved. Runs that are queued or at work keep their own budget."
        variant="default"
      >
        <BudgetFields
          of="a month"
          path="budget.month"
          form={form}
          typed={typed.month}
          change={(part) => change({ month: { ...typed.month, ...part } })}
        />
        <BudgetFields
          of="a run"
          path="budget.run"
          form={form}
          typed={typed.run}
          change={(part) => change({ run: { ...typed.run, ...part } })}
        />
      </FormFrame>
    </article>
  );
}
