import { Alert, Button, Group, Loader, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Connection, ForgeRepositoryPage } from "@windshift/contract/api/connection.ts";
import { Repository } from "@windshift/contract/api/repository.ts";
import { type FormEvent, useEffect, useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { paths } from "../paths.ts";
import { sayDone } from "../shell/notices.tsx";
import { DefaultBranch, RepositoryName } from "./repository-rows.tsx";
import { forgeRepositoriesQuery, refreshSettings, repositoriesQuery } from "./settings-queries.ts";
import { Tag } from "./settings-section.tsx";

type Found = ForgeRepositoryPage["repositories"][number];
/** As much of a search as the API takes, characters. */
const SEARCH_CHARS_MAX = 100;

/** What the credential of a connection can see on its forge, the most recently used first, to choose from. */
export function ForgeRepositories(props: {
  workspace: string;
  connection: Connection;
  onChosen?: (repository: Repository) => void;
}) {
  const { workspace, connection, onChosen } = props;
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState({ search: "", page: 1 });
  const { data, error, isPending } = useQuery(
    forgeRepositoriesQuery(connection.id, asked.search, asked.page),
  );
  const search = (event: FormEvent) => {
    event.preventDefault();
    setAsked({ search: typed.trim(), page: 1 });
  };
  return (
    <>
      <search>
        <form onSubmit={search} className="search-line">
          <TextInput
            label="Search by name"
            type="search"
            maxLength={SEARCH_CHARS_MAX}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" variant="default">
            Search
          </Button>
        </form>
      </search>
      {error !== null && <ForgeProblem {...props} message={error.message} />}
      {isPending && <Loader size="sm" aria-label={`Asking ${connection.name}`} />}
      {data !== undefined && (
        <FoundRows
          workspace={workspace}
          connection={connection}
          found={data}
          onChosen={onChosen}
          searched={asked.search !== ""}
        />
      )}
      {data !== undefined && (asked.page > 1 || data.next_page !== null) && (
        <Group component="nav" aria-label="Pages" mt="sm">
          <Button
            variant="default"
            disabled={asked.page === 1}
            onClick={() => setAsked({ ...asked, page: asked.page - 1 })}
          >
            Previous page
          </Button>
          <span className="quiet">Page {asked.page}</span>
          <Button
            variant="default"
            disabled={data.next_page === null}
            onClick={() => setAsked({ ...asked, page: data.next_page ?? asked.page })}
          >
            Next page
          </Button>
        </Group>
      )}
    </>
  );
}

function ForgeProblem(props: { workspace: string; connection: Connection; message: string }) {
  const { workspace } = props;
  useEffect(() => {
    // The server has noted it on the connection.
    void refreshSettings(workspace, "connections");
  }, [workspace]);
  return (
    <Alert color="red" variant="default" role="alert" my="sm">
      <Text>{props.message}</Text>
      <Link to={paths.settings(workspace, `connections/${props.connection.id}`)}>
        Test the connection or change its credential
      </Link>
    </Alert>
  );
}

function FoundRows(props: {
  workspace: string;
  connection: Connection;
  found: ForgeRepositoryPage;
  searched: boolean;
  onChosen: ((repository: Repository) => void) | undefined;
}) {
  const { workspace, connection, found, searched, onChosen } = props;
  if (found.repositories.length === 0)
    return (
      <EmptyState title="Nothing found">
        {searched
          ? "No repository of that name, or the credential cannot see it."
          : "The credential sees no repository. Give its account access to one on the forge."}
      </EmptyState>
    );
  return (
    <ul className="rows">
      {found.repositories.map((one) => (
        <FoundRow
          key={`${one.owner}/${one.name}`}
          workspace={workspace}
          connection={connection}
          one={one}
          onChosen={onChosen}
        />
      ))}
    </ul>
  );
}

function FoundRow(props: {
  workspace: string;
  connection: Connection;
  one: Found;
  onChosen: ((repository: Repository) => void) | undefined;
}) {
  const { workspace, connection, one, onChosen } = props;
  const { repositories } = useSuspenseQuery(repositoriesQuery(workspace)).data;
  const form = useApiForm();
  const chosen = repositories.find(
    ({ connection_id, owner, name }) =>
      connection_id === connection.id && owner === one.owner && name === one.name,
  );
  const choose = () =>
    form.submit(async () => {
      const body = { connection_id: connection.id, owner: one.owner, name: one.name };
      const made = await callApi("POST", `/api/v1/workspaces/${workspace}/repositories`, Repository, body);
      await refreshSettings(workspace, "repositories");
      sayDone(
        `${made.owner}/${made.name} is in this workspace now; its default branch is ${made.default_branch}.`,
      );
      onChosen?.(made);
    });
  return (
    <li className="row row-line">
      <RepositoryName {...one} />
      <DefaultBranch branch={one.default_branch} />
      {one.private && <Tag>private</Tag>}
      {one.archived && <Tag>archived</Tag>}
      <span className="row-end">
        {chosen !== undefined && <span className="quiet">In this workspace</span>}
        {chosen === undefined && !one.archived && (
          <Button size="xs" variant="default" loading={form.busy} onClick={choose}>
            Use<VisuallyHidden>{` ${one.owner}/${one.name}`}</VisuallyHidden>
          </Button>
        )}
      </span>
      {!one.can_push && !one.archived && (
        <span className="warn">
          The credential cannot push here. Give its account write access on the forge, or runs will fail.
        </span>
      )}
      {form.problem !== undefined && (
        <span role="alert" className="warn">
          {form.problem}
        </span>
      )}
    </li>
  );
}
