import { TextInput } from "@mantine/core";
import type { ApiForm } from "../parts/api-form.ts";
import type { BudgetTyped } from "./binding-draft.ts";

/** The two limits of one budget. */
export function BudgetFields(props: {
  /** `a month`, `a run` */
  of: string;
  /** Where the API has the budget; empty at the root. */
  path: string;
  form: ApiForm;
  typed: BudgetTyped;
  change(part: Partial<BudgetTyped>): void;
}) {
  const { of, path, form, typed, change } = props;
  const prefix = path === "" ? "" : `${path}.`;
  return (
    <div className="field-row">
      <TextInput
        label={`Tokens ${of}`}
        inputMode="numeric"
        placeholder="no limit"
        value={typed.tokens_max}
        onChange={(event) => change({ tokens_max: event.currentTarget.value })}
        error={form.fieldError(`${prefix}tokens_max`)}
      />
      <TextInput
        label={`Dollars ${of}`}
        inputMode="decimal"
        placeholder="no limit"
        value={typed.cost_micros_max}
        onChange={(event) => change({ cost_micros_max: event.currentTarget.value })}
        error={form.fieldError(`${prefix}cost_micros_max`)}
      />
    </div>
  );
}
