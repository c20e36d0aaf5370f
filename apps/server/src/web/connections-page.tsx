/** @jsxImportSource hono/jsx */
import type { Connection } from "@windshift/contract/api/connection.ts";
import { ConnectionFacts } from "./connection-facts.tsx";
import { CONNECTION_KINDS } from "./connection-kinds.ts";
import { CheckForm, ConnectionState } from "./connection-state.tsx";
import { RepositoryList } from "./repository-list.tsx";
import { connectionPath, SettingsFrame, type SettingsView } from "./settings-frame.tsx";

/** Where a workspace's admins see what it is connected to, and add to it. */
export function ConnectionsPage({ view }: { view: SettingsView }) {
  const { workspace, connections, repositories } = view;
  return (
    <SettingsFrame view={view} title="Connections" part="connections">
      <header class="headline">
        <h1>Connections</h1>
        <p class="muted">
          Where the agents of {workspace} reach models and repositories. Credentials are stored sealed and
          never shown again.
        </p>
      </header>
      <section aria-labelledby="models-title">
        <h2 id="models-title">Models</h2>
        <ConnectionList view={view} of={connections.filter(({ kind }) => kind === "llm")} />
        <AddLinks workspace={workspace} kind="llm" />
      </section>
      <section aria-labelledby="git-title">
        <h2 id="git-title">Forges and repositories</h2>
        <ConnectionList view={view} of={connections.filter(({ kind }) => kind === "git")} />
        <AddLinks workspace={workspace} kind="git" />
      </section>
      <section aria-labelledby="repositories-title">
        <h2 id="repositories-title">Repositories of the workspace</h2>
        <RepositoryList
          repositories={repositories}
          empty="No repositories yet. Open a connection above and choose one."
        />
      </section>
    </SettingsFrame>
  );
}

/** The server's own repositories have nothing to sign in to. */
function isTried(connection: Connection): boolean {
  return connection.provider !== "local";
}

function ConnectionList({ view, of }: { view: SettingsView; of: readonly Connection[] }) {
  if (of.length === 0) return <p class="empty">None yet.</p>;
  return (
    <ul class="connections">
      {of.map((connection) => (
        <li class="card connection">
          <div class="connection-head">
            <h3>
              <a href={connectionPath(view.workspace, connection.id)}>{connection.name}</a>
            </h3>
            {isTried(connection) && <ConnectionState connection={connection} />}
          </div>
          <ConnectionFacts connection={connection} />
          {isTried(connection) && <CheckForm connection={connection} />}
        </li>
      ))}
    </ul>
  );
}

function AddLinks({ workspace, kind }: { workspace: string; kind: Connection["kind"] }) {
  return (
    <div class="add-links">
      <span class="muted small" aria-hidden="true">
        Add
      </span>
      <ul>
        {CONNECTION_KINDS.filter((one) => one.kind === kind).map((one) => (
          <li>
            <a class="button" href={connectionPath(workspace, `new/${one.id}`)}>
              <span class="hidden">Add </span>
              {one.title}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
