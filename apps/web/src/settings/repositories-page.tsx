import { NativeSelect, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { EmptyState } from "../parts/empty-state.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { AddLinks } from "./connections-page.tsx";
import { ForgeRepositories } from "./forge-repositories.tsx";
import { LocalRepositoryForm } from "./new-local-repository.tsx";
import { RepositoryRows } from "./repository-rows.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { connectionsQuery, repositoriesQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

/** The repositories of a workspace, and what its connections offer to choose from. */
export function RepositoriesPage() {
  const workspace = useWorkspaceKey();
  const navigate = useNavigate();
  const { connection: wanted } = useSearch({ strict: false }) as { connection?: string };
  const { connections } = useSuspenseQuery(connectionsQuery(workspace)).data;
  const { repositories } = useSuspenseQuery(repositoriesQuery(workspace)).data;
  const git = connections.filter(({ kind }) => kind === "git");
  const chosen = git.find(({ id }) => String(id) === wanted) ?? git[0];
  return (
    <>
      <PageHead title="Repositories" />
      <Text c="dimmed" size="sm" mb="md">
        What agents of {workspace} may be given to work on.
      </Text>
      <RepositoryRows repositories={repositories} empty="Choose one below." />
      <Section title="Add a repository">
        {chosen === undefined ? (
          <EmptyState title="No connection yet">
            First connect a forge, or let this server keep the repositories.
            <AddLinks workspace={workspace} kind="git" />
          </EmptyState>
        ) : (
          <>
            <NativeSelect
              label="From"
              value={String(chosen.id)}
              data={git.map(({ id, name }) => ({ value: String(id), label: name }))}
              onChange={(event) =>
                navigate({ to: ".", search: { connection: event.currentTarget.value }, replace: true })
              }
              mb="sm"
            />
            {chosen.provider === "local" ? (
              <LocalRepositoryForm workspace={workspace} connectionId={chosen.id} onMade={() => undefined} />
            ) : (
              <ForgeRepositories key={chosen.id} workspace={workspace} connection={chosen} />
            )}
          </>
        )}
      </Section>
    </>
  );
}
