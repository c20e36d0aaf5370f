import { NativeSelect, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { useState } from "react";
import { paths } from "../paths.ts";
import { CONNECTION_KINDS, findConnectionKind } from "./connection-kinds.ts";
import { ConnectionCheckRow } from "./connection-state.tsx";
import { NewConnectionForm } from "./new-connection-page.tsx";

/** A provider of models, tried before the agent depends on it. */
export function GuideModelStep(props: { workspace: string; connections: readonly Connection[] }) {
  const { workspace, connections } = props;
  const [chosen, setChosen] = useState<string>();
  const last = connections.at(-1);
  const value = chosen ?? (last === undefined ? "new:openai_compatible" : String(last.id));
  const connection = connections.find(({ id }) => String(id) === value);
  const kind = findConnectionKind(value.replace(/^new:/, ""));
  return (
    <>
      <Text size="sm">
        The agent asks a model what to do next. Any provider with the interface of OpenAI or of Anthropic will
        do, also one of your own on your network. The key is stored sealed; no agent ever sees it.
      </Text>
      <NativeSelect
        label="Provider"
        value={value}
        data={[
          ...connections.map(({ id, name }) => ({ value: String(id), label: name })),
          ...CONNECTION_KINDS.filter((one) => one.kind === "llm").map(({ id, title }) => ({
            value: `new:${id}`,
            label: `New: ${title}`,
          })),
        ]}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
      {connection === undefined && kind !== undefined && (
        <NewConnectionForm
          key={kind.id}
          workspace={workspace}
          kind={kind}
          verb="Connect"
          onMade={({ id }) => setChosen(String(id))}
        />
      )}
      {connection !== undefined && <Check workspace={workspace} connection={connection} />}
    </>
  );
}

function Check({ workspace, connection }: { workspace: string; connection: Connection }) {
  return (
    <>
      <Text size="sm">Now test it. Once it works, the next step opens.</Text>
      <ConnectionCheckRow key={connection.id} workspace={workspace} connection={connection} />
      {connection.check_problem !== null && (
        <Text size="sm">
          Is the address that of the provider's root, and the key whole and valid? Both are changed in{" "}
          <Link to={paths.settings(workspace, `connections/${connection.id}`)}>
            the settings of {connection.name}
          </Link>
          . An address in your own network must be allowed by the server's administrator.
        </Text>
      )}
    </>
  );
}
