/** @jsxImportSource hono/jsx */
import type { Budget } from "@windshift/contract/budget.ts";
import { Field } from "./form-field.tsx";
import { dollarAmount } from "./money-text.ts";

/** The two limits of one budget. @param props.name what stands before the fields' names */
export function BudgetFields(props: { id: string; of: string; name: string; budget: Budget }) {
  const { id, of, name, budget } = props;
  return (
    <div class="field-row">
      <Field id={`${id}-tokens`} name={`${name}tokens_max`} label={`Tokens ${of}`}>
        <input
          id={`${id}-tokens`}
          name={`${name}tokens_max`}
          type="number"
          min="1"
          step="1"
          value={budget.tokens_max ?? ""}
          placeholder="no limit"
          data-type="integer"
          data-empty="null"
        />
      </Field>
      <Field id={`${id}-cost`} name={`${name}cost_micros_max`} label={`Dollars ${of}`}>
        <input
          id={`${id}-cost`}
          name={`${name}cost_micros_max`}
          type="number"
          min="0"
          step="any"
          inputmode="decimal"
          value={dollarAmount(budget.cost_micros_max)}
          placeholder="no limit"
          data-type="dollars"
          data-empty="null"
        />
      </Field>
    </div>
  );
}
