/** @jsxImportSource hono/jsx */
import type { Pool } from "@windshift/contract/api/pool.ts";
import { POOL_RUNNING_MAX } from "@windshift/contract/limits.ts";
import { Field, FormError } from "./form-field.tsx";
import { POOLS_PATH } from "./pool-paths.ts";

/** Runs at once of a pool that is made without another word. */
const RUNNING_USUAL = 100;

/** What can be set of a pool and changed later. @param id begins the ids of the fields */
export function PoolFields({ id, pool }: { id: string; pool?: Pool }) {
  return (
    <>
      <Field
        id={`${id}-max`}
        name="max_running"
        label="Runs at once"
        hint="Over all runners of the pool; each runner also has its own bound."
      >
        <input
          id={`${id}-max`}
          name="max_running"
          type="number"
          required
          min={1}
          max={POOL_RUNNING_MAX}
          value={pool?.max_running ?? RUNNING_USUAL}
          data-type="integer"
          aria-describedby={`${id}-max-hint`}
        />
      </Field>
      <ListField
        id={`${id}-labels`}
        name="labels"
        label="Labels"
        hint="What every runner of the pool can do, separated by commas, such as gpu, arm64."
        value={pool?.labels ?? []}
      />
      <ListField
        id={`${id}-workspaces`}
        name="workspaces"
        label="Workspaces"
        hint="Keys of the workspaces that may use it, separated by commas. Empty: all."
        value={pool?.workspaces ?? []}
      />
    </>
  );
}

function ListField(props: {
  id: string;
  name: string;
  label: string;
  hint: string;
  value: readonly string[];
}) {
  const { id, name, label, hint, value } = props;
  return (
    <Field id={id} name={name} label={label} hint={hint}>
      <input
        id={id}
        name={name}
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={value.join(", ")}
        data-type="list"
        aria-describedby={`${id}-hint`}
      />
    </Field>
  );
}

export function PoolSettings({ pool }: { pool: Pool }) {
  return (
    <section aria-labelledby="settings-title">
      <h2 id="settings-title">Settings</h2>
      <form
        class="card stack settings-form"
        method="post"
        data-api={`/api/v1/admin/pools/${pool.id}`}
        data-method="PATCH"
        data-then="refresh"
        data-result="settings-result"
        data-said="Saved. It holds from the next claim on."
      >
        <FormError />
        <PoolFields id="pool" pool={pool} />
        <button type="submit" id="settings-save">
          Save
        </button>
        <p class="result" id="settings-result" role="status"></p>
      </form>
    </section>
  );
}

/** The second click is the confirmation. */
export function DeletePool({ pool }: { pool: Pool }) {
  return (
    <section aria-labelledby="delete-title">
      <h2 id="delete-title">Delete</h2>
      <details class="new-item">
        <summary>Delete this pool</summary>
        <form
          class="card stack settings-form"
          method="post"
          data-api={`/api/v1/admin/pools/${pool.id}`}
          data-method="DELETE"
          data-then={POOLS_PATH}
        >
          <p>It can be deleted when no agent, no runner and no run belongs to it.</p>
          <FormError />
          <button type="submit" class="danger">
            Delete {pool.name} for good
          </button>
        </form>
      </details>
    </section>
  );
}
