import type { AgentRun, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { COST_MICROS_PER_DOLLAR } from "@windshift/contract/budget.ts";
import { Field, FormError } from "./form-field.tsx";

/** What a run used so far, in a line. */
export function RunUsage({ usage }: { usage: AgentRunUsage }) {
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
