/** @jsxImportSource hono/jsx */
import type { AgentRun, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { COST_MICROS_PER_DOLLAR } from "@windshift/contract/budget.ts";
import { BudgetUse } from "./budget-use.tsx";
import { Field, FormError } from "./form-field.tsx";
import { budgetsPath } from "./settings-frame.tsx";

/** What a run used so far, in a line. */
export function RunUsage({ usage }: { usage: AgentRunUsage }) {
  const own = usage.budgets.find(({ scope }) => scope === "run");
  return (
    <>
      <Calls usage={usage} />
      {own && own.tokens_max !== null && (
        <BudgetUse measure="tokens" used={own.tokens_used} max={own.tokens_max} />
      )}
      {own && own.cost_micros_max !== null && (
        <BudgetUse measure="cost" used={own.cost_micros_used} max={own.cost_micros_max} />
      )}
    </>
  );
}

function Calls({ usage }: { usage: AgentRunUsage }) {
  if (usage.calls === 0) return null;
  const tokens = (usage.input_tokens + usage.output_tokens).toLocaleString("en-US");
  const guessed = usage.estimated_calls + usage.unknown_calls;
  return (
    <p class="muted small" data-usage>
      {usage.calls === 1 ? "1 call" : `${usage.calls} calls`} to the model · {tokens} tokens
      {usage.cost_micros !== null && ` · $${dollars(usage.cost_micros)}`}
      {guessed > 0 && ` · ${guessed === 1 ? "1 call is" : `${guessed} calls are`} estimated or unknown`}
    </p>
  );
}

/** The way from a run that waits for a budget to where the month's are raised. */
export function BudgetLink({ run, usage }: { run: AgentRun; usage: AgentRunUsage }) {
  const { short } = usage;
  if (run.status !== "waiting" || short === null) return null;
  const at = budgetsPath(workspaceOf(run.item_key));
  return (
    <p class="small">
      {short.scope === "workspace" && (
        <a href={`${at}#workspace`}>Raise the workspace's budget of the month</a>
      )}
      {short.scope === "binding" && <a href={`${at}#bindings`}>Raise the agent's budget of the month</a>}
      {short.scope === "run" && <a href={`${at}#bindings`}>Budgets of later runs</a>}
    </p>
  );
}

/** `DEMO` of `DEMO-12`. */
function workspaceOf(itemKey: string): string {
  return itemKey.slice(0, itemKey.indexOf("-"));
}

/** Adds to the budget of a run that waits for it. What waits for a month's budget is told so by its sentence. */
export function RaiseForm({ run, usage }: { run: AgentRun; usage: AgentRunUsage }) {
  const { short } = usage;
  if (run.status !== "waiting" || short?.scope !== "run") return null;
  const own = usage.budgets.find(({ scope }) => scope === "run");
  const money = short.cost_micros !== null;
  const id = `raise-${run.id}`;
  const name = money ? "cost_micros" : "tokens";
  const amount = money
    ? dollars(Math.max(own?.cost_micros_max ?? 0, short.cost_micros ?? 0))
    : String(Math.max(own?.tokens_max ?? 0, short.tokens ?? 0));
  return (
    <form class="raise" method="post" data-api={`/api/v1/agent-runs/${run.id}/budget`} data-then="refresh">
      <FormError />
      <Field id={id} name={name} label={money ? "More dollars" : "More tokens"}>
        <input
          id={id}
          name={name}
          type="number"
          min={money ? "0.01" : "1"}
          step={money ? "0.01" : "1"}
          value={amount}
          required
          data-type={money ? "dollars" : "integer"}
        />
      </Field>
      <button type="submit">Add and resume</button>
    </form>
  );
}

/** Up to the next cent: `0.01`. */
function dollars(micros: number): string {
  return (Math.ceil((micros * 100) / COST_MICROS_PER_DOLLAR) / 100).toFixed(2);
}
