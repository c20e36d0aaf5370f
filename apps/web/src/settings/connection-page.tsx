import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { sendApi } from "../api/api.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { ConnectionFacts } from "./connection-facts.tsx";
import { CredentialForm, NameForm, Webhook } from "./connection-forms.tsx";
import { type ConnectionKind, connectionKindOf, isForgeKind } from "./connection-kinds.ts";
import { ConnectionCheckRow } from "./connection-state.tsx";
import { ModelRows } from "./model-rows.tsx";
import { NewLocalRepository } from "./new-local-repository.tsx";
import { RepositoryRows } from "./repository-rows.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { connectionsQuery, refreshSettings, repositoriesQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

/** One connection: whether it works, what is reached through it, and its settings. */
export function ConnectionPage() {
  const workspace = useWorkspaceKey();
  const { connection: id = "" } = useParams({ strict: false }) as { connection?: string };
  const { connections } = useSuspenseQuery(connectionsQuery(workspace)).data;
  const connection = connections.find((one) => String(one.id) === id);
  if (connection === undefined) return <NotFoundPage />;
  const kind = connectionKindOf(connection);
  const view = { workspace, connection, kind };
  return (
    <div key={connection.id}>
      <PageHead title={connection.name} />
      <ConnectionFacts connection={connection} />
      {kind.credential === "none" ? (
        <Text c="dimmed" size="sm">
          {kind.needs}
        </Text>
      ) : (
        <ConnectionCheckRow workspace={workspace} connection={connection} />
      )}
      {connection.kind === "llm" ? (
        <ModelRows workspace={workspace} connection={connection} />
      ) : (
        <Repositories {...view} />
      )}
      <NameForm {...view} />
      {kind.credential !== "none" && <CredentialForm {...view} />}
      {connection.webhook_url !== null && <Webhook {...view} address={connection.webhook_url} />}
      <DeleteConnection {...view} />
    </div>
  );
}

interface View {
  workspace: string;
  connection: Connection;
  kind: ConnectionKind;
}

function Repositories({ workspace, connection, kind }: View) {
  const { repositories } = useSuspenseQuery(repositoriesQuery(workspace)).data;
  const forge = isForgeKind(kind);
  return (
    <Section
      title="Repositories"
      aside={
        forge && (
          <Link
            to={paths.settings(workspace, "repositories")}
            search={{ connection: String(connection.id) }}
            className="add-link"
          >
            Choose repositories
          </Link>
        )
      }
    >
      <RepositoryRows
        repositories={repositories.filter((one) => one.connection_id === connection.id)}
        empty="The workspace uses no repository of this connection yet."
      />
      {!forge && <NewLocalRepository workspace={workspace} connectionId={connection.id} />}
    </Section>
  );
}

function DeleteConnection({ workspace, connection }: View) {
  const navigate = useNavigate();
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/connections/${connection.id}`);
    await navigate({ to: paths.settings(workspace, "connections") });
    await refreshSettings(workspace);
  };
  return (
    <Section title="Delete">
      <ConfirmButton
        label="Delete this connection"
        title={`Delete ${connection.name}?`}
        verb={`Delete ${connection.name} for good`}
        onConfirm={remove}
      >
        The connection and its credential are gone for good. It can be deleted when no agent and no repository
        uses it.
      </ConfirmButton>
    </Section>
  );
}
