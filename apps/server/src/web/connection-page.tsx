import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { AddressField, CredentialFields, ModelLimitFields, NameField } from "./connection-form.tsx";
import { type ConnectionKind, connectionKindOf, isForgeKind } from "./connection-kinds.ts";
import { CheckForm, ConnectionState, Fingerprint } from "./connection-state.tsx";
import { FormError } from "./form-field.tsx";
import { ModelRows, type ModelView } from "./model-rows.tsx";
import { NewLocalRepository } from "./new-local-repository.tsx";
import { RepositoryList } from "./repository-list.tsx";
import { connectionPath, SettingsFrame, type SettingsView, settingsPath } from "./settings-frame.tsx";

export interface ConnectionView extends SettingsView {
  connection: Connection;
  bindings: Binding[];
  /** Of a connection to models. */
  models: ModelView[];
}

/** One connection: whether it works, what is reached through it, and its settings. */
export function ConnectionPage({ view }: { view: ConnectionView }) {
  const { connection } = view;
  const kind = connectionKindOf(connection);
  return (
    <SettingsFrame
      view={view}
      title={connection.name}
      part="connections"
      crumbs={[{ text: connection.name }]}
    >
      <section class="headline" aria-label="State">
        <header id="connection-head" data-refresh class="headline">
          <h1>{connection.name}</h1>
          <Facts connection={connection} kind={kind} />
        </header>
        {kind.credential === "none" ? (
          <p class="muted">{kind.needs}</p>
        ) : (
          <>
            <ConnectionState connection={connection} />
            <CheckForm connection={connection} />
          </>
        )}
      </section>
      {connection.kind === "llm" ? (
        <ModelRows connection={connection} models={view.models} />
      ) : (
        <Repositories view={view} kind={kind} />
      )}
      <NameForm connection={connection} />
      {kind.credential !== "none" && <CredentialForm connection={connection} kind={kind} />}
      {connection.webhook_url !== null && (
        <Webhook connection={connection} address={connection.webhook_url} />
      )}
      <DeleteForm view={view} />
    </SettingsFrame>
  );
}

function Facts({ connection, kind }: { connection: Connection; kind: ConnectionKind }) {
  return (
    <dl class="facts">
      <div>
        <dt>Kind</dt>
        <dd>{kind.title}</dd>
      </div>
      {connection.base_url !== null && (
        <div>
          <dt>Address</dt>
          <dd>{connection.base_url}</dd>
        </div>
      )}
      {kind.credential !== "none" && (
        <div>
          <dt>Credential</dt>
          <dd>
            <Fingerprint of={connection} />
          </dd>
        </div>
      )}
      {connection.app && (
        <div>
          <dt>App</dt>
          <dd>
            {connection.app.app_id}, installation {connection.app.installation_id}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Repositories({ view, kind }: { view: ConnectionView; kind: ConnectionKind }) {
  const { connection, workspace, repositories } = view;
  const forge = isForgeKind(kind);
  return (
    <section aria-labelledby="repositories-title">
      <div class="section-head">
        <h2 id="repositories-title">Repositories</h2>
        {forge && (
          <a class="button" href={connectionPath(workspace, `${connection.id}/repositories`)}>
            Choose repositories
          </a>
        )}
      </div>
      <div id="repositories" data-refresh>
        <RepositoryList
          repositories={repositories.filter((one) => one.connection_id === connection.id)}
          empty="The workspace uses no repository of this connection yet."
        />
      </div>
      {!forge && <NewLocalRepository workspace={workspace} connectionId={connection.id} />}
    </section>
  );
}

function NameForm({ connection }: { connection: Connection }) {
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
function CredentialForm({ connection, kind }: { connection: Connection; kind: ConnectionKind }) {
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

function Webhook({ connection, address }: { connection: Connection; address: string }) {
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

function DeleteForm({ view: { connection, workspace } }: { view: ConnectionView }) {
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
          data-then={settingsPath(workspace)}
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
