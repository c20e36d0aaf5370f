import { NativeSelect, Text } from "@mantine/core";
import { type Connection, ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { CONNECTION_KINDS, findConnectionKind } from "./connection-kinds.ts";
import { ConnectionCheckRow } from "./connection-state.tsx";
import { ForgeRepositories } from "./forge-repositories.tsx";
import { NewConnectionForm, WebhookLines } from "./new-connection-page.tsx";
import { LocalRepositoryForm } from "./new-local-repository.tsx";
import { refreshSettings } from "./settings-queries.ts";

/** A forge whose repositories are chosen from, or a repository on this server, which needs none. */
export function GuideRepositoryStep(props: { workspace: string; connections: readonly Connection[] }) {
  const { workspace, connections } = props;
  const [chosen, setChosen] = useState<string>();
  const [made, setMade] = useState<ConnectionWithSecret>();
  const last = connections.at(-1);
  const value = chosen ?? (last === undefined ? "new:local" : String(last.id));
  const connection = connections.find(({ id }) => String(id) === value);
  const options = [
    ...connections.map(({ id, name }) => ({ value: String(id), label: name })),
    ...CONNECTION_KINDS.filter(
      ({ kind, id }) => kind === "git" && !(id === "local" && hasLocal(connections)),
    ).map(({ id, title }) => ({ value: `new:${id}`, label: `New: ${title}` })),
  ];
  return (
    <>
      <Text size="sm">
        Agents work on branches of a repository and open pull requests there. It may live on a forge, or on
        this server: then nothing else is needed, and the pull request is read and merged here.
      </Text>
      <NativeSelect
        label="Where the repository is"
        value={value}
        data={options}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
      {made?.webhook_secret !== undefined && (
        <WebhookLines address={made.webhook_url ?? ""} secret={made.webhook_secret} />
      )}
      {connection === undefined ? (
        <NewGitConnection
          key={value}
          workspace={workspace}
          kind={value.slice("new:".length)}
          onMade={(one) => {
            setMade(one);
            setChosen(String(one.id));
          }}
        />
      ) : (
        <Offered key={connection.id} workspace={workspace} connection={connection} />
      )}
    </>
  );
}

function hasLocal(connections: readonly Connection[]): boolean {
  return connections.some(({ provider }) => provider === "local");
}

function NewGitConnection(props: {
  workspace: string;
  kind: string;
  onMade(made: ConnectionWithSecret): void;
}) {
  const { workspace, onMade } = props;
  const kind = findConnectionKind(props.kind);
  const form = useApiForm();
  if (kind === undefined) return null;
  if (kind.id !== "local")
    return <NewConnectionForm workspace={workspace} kind={kind} onMade={onMade} verb="Connect" />;
  const send = async () => {
    const path = `/api/v1/workspaces/${workspace}/connections`;
    const body = { kind: "git", provider: "local", name: kind.name };
    const made = await callApi("POST", path, ConnectionWithSecret, body);
    await refreshSettings(workspace, "connections");
    onMade(made);
  };
  return (
    <FormFrame form={form} verb="Keep repositories on this server" onSend={send}>
      <Text size="sm" c="dimmed">
        {kind.needs}
      </Text>
    </FormFrame>
  );
}

function Offered({ workspace, connection }: { workspace: string; connection: Connection }) {
  if (connection.provider === "local")
    return (
      <LocalRepositoryForm workspace={workspace} connectionId={connection.id} onMade={() => undefined} />
    );
  return (
    <>
      <ConnectionCheckRow workspace={workspace} connection={connection} />
      <ForgeRepositories workspace={workspace} connection={connection} />
    </>
  );
}
