/** @jsxImportSource hono/jsx */
import { dollarText, tokenText } from "./money-text.ts";

/** Part of a limit from which on it is said to be nearly used up. */
const NEARLY = 0.8;

/** How much of a limit is used, as a bar and in words. @param props.used null when a model had no price */
export function BudgetUse(props: { measure: "tokens" | "cost"; used: number | null; max: number | null }) {
  const { measure, used, max } = props;
  const text = measure === "tokens" ? tokenText : dollarText;
  if (used === null) return <p class="use muted small">Cost unknown: a model has no price</p>;
  if (max === null) return <p class="use muted small">{text(used)} used, no limit</p>;
  const part = measure === "tokens" ? used.toLocaleString("en-US") : dollarText(used);
  const amounts = `${part} of ${text(max)} used`;
  const state = used >= max ? "full" : used >= max * NEARLY ? "near" : "";
  return (
    <p class={`use small ${state}`}>
      <progress value={Math.min(used, max)} max={max} aria-label={amounts}></progress>
      <span>{amounts}</span>
    </p>
  );
}
