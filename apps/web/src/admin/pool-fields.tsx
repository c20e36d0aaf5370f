import { TextInput } from "@mantine/core";
import type { Pool } from "@windshift/contract/api/pool.ts";
import type { ApiForm } from "../parts/api-form.ts";
import { countTyped } from "../parts/money-text.ts";
import { wordsOf } from "../settings/binding-draft.ts";

export interface PoolTyped {
  max_running: string;
  labels: string;
  workspaces: string;
}
/** Lists are named as a whole or by the place of what is wrong in them. */
export const POOL_FIELDS = ["max_running", "labels", "workspaces"] as const;

/** Runs at once of a pool that is made without another word. */
const RUNNING_USUAL = 100;

/** What the fields of a pool hold at first: the pool's own values, or those of a new one. */
export function poolStart(pool?: Pool): PoolTyped {
  return {
    max_running: String(pool?.max_running ?? RUNNING_USUAL),
    labels: pool?.labels.join(", ") ?? "",
    workspaces: pool?.workspaces.join(", ") ?? "",
  };
}

/** @throws ApiError naming the field */
export function poolBody(typed: PoolTyped) {
  return {
    max_running: countTyped(typed.max_running, "max_running") ?? RUNNING_USUAL,
    labels: wordsOf(typed.labels),
    workspaces: wordsOf(typed.workspaces),
  };
}

/** What can be set of a pool and changed later. */
export function PoolFields(props: {
  form: ApiForm;
  typed: PoolTyped;
  change(part: Partial<PoolTyped>): void;
}) {
  const { form, typed, change } = props;
  return (
    <>
      <TextInput
        label="Runs at once"
        description="Over all runners of the pool; each runner also has its own bound."
        inputMode="numeric"
        required
        value={typed.max_running}
        onChange={(event) => change({ max_running: event.currentTarget.value })}
        error={form.fieldError("max_running")}
      />
      <TextInput
        label="Labels"
        description="What every runner of the pool can do, separated by commas, such as gpu, arm64."
        spellCheck={false}
        value={typed.labels}
        onChange={(event) => change({ labels: event.currentTarget.value })}
        error={form.fieldError("labels")}
      />
      <TextInput
        label="Workspaces"
        description="Keys of the workspaces that may use it, separated by commas. Empty: all."
        spellCheck={false}
        value={typed.workspaces}
        onChange={(event) => change({ workspaces: event.currentTarget.value })}
        error={form.fieldError("workspaces")}
      />
    </>
  );
}
