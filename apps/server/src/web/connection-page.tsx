/** @jsxImportSource hono/jsx */
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { ConnectionFacts } from "./connection-facts.tsx";
import { type ConnectionKind, connectionKindOf, isForgeKind } from "./connection-kinds.ts";
import { CredentialForm, DeleteForm, NameForm, Webhook } from "./connection-settings.tsx";
import { CheckForm, ConnectionState } from "./connection-state.tsx";
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
          <ConnectionFacts connection={connection} />
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
      <DeleteForm connection={connection} then={settingsPath(view.workspace)} />
    </SettingsFrame>
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
