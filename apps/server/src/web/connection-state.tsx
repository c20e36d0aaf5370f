/** @jsxImportSource hono/jsx */
import type { Connection } from "@windshift/contract/api/connection.ts";
import { ConnectionBadge } from "./badge.tsx";
import { FormError } from "./form-field.tsx";
import { Time } from "./time-text.tsx";

/** How the last try of the credential went, in a word and a time. */
export function ConnectionState({ connection }: { connection: Connection }) {
  const { id, checked_at, check_problem } = connection;
  return (
    <p class="connection-state" id={`state-${id}`} data-refresh>
      <ConnectionBadge tried={checked_at !== null} problem={check_problem !== null} />
      {checked_at !== null && (
        <span class="muted small">
          tested <Time at={checked_at} />
        </span>
      )}
    </p>
  );
}

/** Tries the connection and says in place what is missing; until then the sentence of the last try stands there. */
export function CheckForm({ connection }: { connection: Connection }) {
  const { id, name, check_problem } = connection;
  return (
    <form
      class="check"
      method="post"
      data-api={`/api/v1/connections/${id}/check`}
      data-then="refresh"
      data-result={`check-${id}`}
      data-wait="Testing…"
    >
      <button type="submit" id={`check-button-${id}`}>
        Test connection<span class="hidden"> {name}</span>
      </button>
      <FormError />
      <p class={`result ${check_problem === null ? "" : "bad"}`} id={`check-${id}`} role="status">
        {check_problem}
      </p>
    </form>
  );
}
