import { Anchor, Group, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { ConnectionFacts } from "./connection-facts.tsx";
import { CONNECTION_KINDS } from "./connection-kinds.ts";
import { ConnectionCheckRow } from "./connection-state.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { connectionsQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

/** What a workspace is connected to, and what can be added. */
export function ConnectionsPage() {
  const workspace = useWorkspaceKey();
  const { connections } = useSuspenseQuery(connectionsQuery(workspace)).data;
  return (
    <>
      <PageHead title="Connections" />
      <Text c="dimmed" size="sm" mb="lg">
        Where the agents of {workspace} reach models and repositories. Credentials are stored sealed and never
        shown again.
      </Text>
      <Section title="Models">
        <ConnectionList workspace={workspace} of={connections.filter(({ kind }) => kind === "llm")} />
        <AddLinks workspace={workspace} kind="llm" />
      </Section>
      <Section title="Forges and repositories">
        <ConnectionList workspace={workspace} of={connections.filter(({ kind }) => kind === "git")} />
        <AddLinks workspace={workspace} kind="git" />
      </Section>
    </>
  );
}

function ConnectionList({ workspace, of }: { workspace: string; of: readonly Connection[] }) {
  if (of.length === 0) return <EmptyState title="None yet" />;
  return (
    <ul className="rows">
      {of.map((connection) => (
        <li key={connection.id} className="row">
          <Anchor
            component={Link}
            to={paths.settings(workspace, `connections/${connection.id}`)}
            className="row-name"
          >
            {connection.name}
          </Anchor>
          <ConnectionFacts connection={connection} />
          {connection.provider !== "local" && (
            <ConnectionCheckRow workspace={workspace} connection={connection} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** Ways to connect, each leading to its form. */
export function AddLinks({ workspace, kind }: { workspace: string; kind: Connection["kind"] }) {
  return (
    <Stack gap={4} mt="sm">
      <Text size="sm" c="dimmed" aria-hidden>
        Add
      </Text>
      <Group gap="xs" component="ul" className="add-links">
        {CONNECTION_KINDS.filter((one) => one.kind === kind).map((one) => (
          <li key={one.id}>
            <Link className="add-link" to={paths.settings(workspace, `connections/new/${one.id}`)}>
              <span className="unseen">Add </span>
              {one.title}
            </Link>
          </li>
        ))}
      </Group>
    </Stack>
  );
}
