/** @jsxImportSource hono/jsx */
import type { Connection } from "@windshift/contract/api/connection.ts";
import { AddressField, CredentialFields, ModelLimitFields, NameField } from "./connection-form.tsx";
import type { ConnectionKind } from "./connection-kinds.ts";
import { FormError } from "./form-field.tsx";

/** Its name and, of models, its limits. */
export function NameForm({ connection }: { connection: Connection }) {
  const llm = connection.kind === "llm";
  return (
    <section aria-labelledby="name-title">
      <h2 id="name-title">{llm ? "Name and limits" : "Name"}</h2>
      <form
        class="card stack settings-form"
        method="post"
        data-api={`/api/v1/connections/${connection.id}`}
        data-method="PATCH"
        data-then="refresh"
        data-result="name-result"
        data-said="Saved."
      >
        <FormError />
        <NameField value={connection.name} />
        {llm && <ModelLimitFields of={connection} />}
        <button type="submit" id="name-save">
          Save
        </button>
        <p class="result" id="name-result" role="status"></p>
      </form>
    </section>
  );
}

/** Both at once: a stored credential is never sent to another address than it was given for. */
export function CredentialForm({ connection, kind }: { connection: Connection; kind: ConnectionKind }) {
  return (
    <section aria-labelledby="credential-title">
      <h2 id="credential-title">Change the credential</h2>
      <form
        class="card stack settings-form"
        method="post"
        autocomplete="off"
        data-api={`/api/v1/connections/${connection.id}`}
        data-method="PATCH"
        data-then="refresh"
        data-clear
        data-result={`check-${connection.id}`}
        data-said="The new credential is stored. Test the connection to see whether it works."
      >
        <p class="hint">
          The new one takes the place of the stored one, which cannot be read back. A new address needs the
          credential again.
        </p>
        <FormError />
        <AddressField kind={kind} value={connection.base_url ?? ""} />
        <CredentialFields kind={kind} app={connection.app} />
        <button type="submit" id="credential-save">
          Replace credential
        </button>
      </form>
    </section>
  );
}

/** Where the forge sends to, and the secret it signs with, shown once when it is made. */
export function Webhook({ connection, address }: { connection: Connection; address: string }) {
  return (
    <section aria-labelledby="webhook-title">
      <h2 id="webhook-title">Webhook</h2>
      <form
        class="card stack settings-form"
        method="post"
        data-api={`/api/v1/connections/${connection.id}/webhook-secret`}
        data-then="stay"
        data-result="webhook-result"
        data-said="Copy the secret now, it is shown this once: {webhook_secret}"
      >
        <p>
          The forge may send to <code>{address}</code>, so that changes are seen within seconds. Without a
          webhook they are seen by asking.
        </p>
        <FormError />
        <button type="submit" id="webhook-renew">
          Make a webhook secret
        </button>
        <p class="hint">A secret that was made before is refused from then on.</p>
        <p class="result" id="webhook-result" role="status"></p>
      </form>
    </section>
  );
}

/** The second click is the confirmation. */
export function DeleteForm({ connection, then }: { connection: Connection; then: string }) {
  return (
    <section aria-labelledby="delete-title">
      <h2 id="delete-title">Delete</h2>
      <details class="new-item">
        <summary>Delete this connection</summary>
        <form
          class="card stack settings-form"
          method="post"
          data-api={`/api/v1/connections/${connection.id}`}
          data-method="DELETE"
          data-then={then}
        >
          <p>
            The connection and its credential are gone for good. It can be deleted when no agent and no
            repository uses it.
          </p>
          <FormError />
          <button type="submit" class="danger">
            Delete {connection.name} for good
          </button>
        </form>
      </details>
    </section>
  );
}
