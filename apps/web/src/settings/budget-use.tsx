import type { BudgetView, UsageSum } from "@windshift/contract/api/usage.ts";
import { dollarText, tokenText } from "../parts/money-text.ts";

/** Part of a limit from which on it is said to be nearly used up. */
const NEARLY = 0.8;

/** What was used in the month, beside its limits. */
export function UsedOfBudget({ sum, budget }: { sum: UsageSum; budget: BudgetView | null }) {
  const tokensMax = budget?.tokens_max ?? null;
  const costMax = budget?.cost_micros_max ?? null;
  return (
    <div className="uses">
      <BudgetUse
        measure="tokens"
        used={tokensMax === null ? sum.input_tokens + sum.output_tokens : (budget?.tokens_used ?? 0)}
        max={tokensMax}
      />
      <BudgetUse
        measure="cost"
        used={costMax === null ? sum.cost_micros : (budget?.cost_micros_used ?? 0)}
        max={costMax}
      />
    </div>
  );
}

/** How much of a limit is used, as a bar and in words. @param props.used null when a model had no price */
export function BudgetUse(props: { measure: "tokens" | "cost"; used: number | null; max: number | null }) {
  const { measure, used, max } = props;
  const text = measure === "tokens" ? tokenText : dollarText;
  if (used === null) return <p className="use">Cost unknown: a model has no price</p>;
  if (max === null) return <p className="use">{text(used)} used, no limit</p>;
  const part = measure === "tokens" ? used.toLocaleString("en-US") : dollarText(used);
  const amounts = `${part} of ${text(max)} used`;
  const state = used >= max ? "full" : used >= max * NEARLY ? "near" : "";
  return (
    <p className={`use ${state}`}>
      <progress value={Math.min(used, max)} max={max} aria-label={amounts} />
      <span>{amounts}</span>
    </p>
  );
}
