/** @jsxImportSource hono/jsx */
import type { Connection, ForgeRepositoryPage } from "@windshift/contract/api/connection.ts";
import { FormError } from "./form-field.tsx";
import { DefaultBranch, RepositoryName } from "./repository-list.tsx";
import { connectionPath, SettingsFrame, type SettingsView } from "./settings-frame.tsx";

export interface ForgeRepositoriesView extends SettingsView {
  connection: Connection;
  search: string;
  page: number;
  /** What the forge lists, or the sentence with which it does not. */
  found: ForgeRepositoryPage | { problem: string };
}

/** What the credential of a connection can see on its forge, to choose from. */
export function ForgeRepositoriesPage({ view }: { view: ForgeRepositoriesView }) {
  const { connection, workspace, search, page, found } = view;
  const at = connectionPath(workspace, connection.id);
  return (
    <SettingsFrame
      view={view}
      title={`Repositories on ${connection.name}`}
      part="connections"
      crumbs={[{ text: connection.name, href: at }, { text: "Repositories" }]}
    >
      <header class="headline">
        <h1>Choose repositories</h1>
        <p class="muted">What {connection.name} lets this server see, the most recently used first.</p>
      </header>
      <search>
        <form class="search" method="get" action={`${at}/repositories`}>
          <label for="search">Search by name</label>
          <input id="search" name="search" type="search" value={search} maxlength={100} />
          <button type="submit">Search</button>
        </form>
      </search>
      <p class="result" id="chosen" role="status"></p>
      <div id="found" data-refresh>
        {"problem" in found ? (
          <div class="callout bad">
            <p>{found.problem}</p>
            <p>
              <a href={at}>Test the connection or change its credential</a>
            </p>
          </div>
        ) : (
          <Found view={view} found={found} />
        )}
      </div>
      {!("problem" in found) && (page > 1 || found.next_page !== null) && (
        <nav class="pages" aria-label="Pages">
          {page > 1 && <a href={pagePath(at, search, page - 1)}>Previous page</a>}
          <span class="muted small">Page {page}</span>
          {found.next_page !== null && <a href={pagePath(at, search, found.next_page)}>Next page</a>}
        </nav>
      )}
    </SettingsFrame>
  );
}

function pagePath(at: string, search: string, page: number): string {
  const query = new URLSearchParams({ ...(search === "" ? {} : { search }), page: String(page) });
  return `${at}/repositories?${query}`;
}

type Found = ForgeRepositoryPage["repositories"][number];

function Found({ view, found }: { view: ForgeRepositoriesView; found: ForgeRepositoryPage }) {
  if (found.repositories.length === 0) {
    return (
      <p class="empty">
        {view.search === ""
          ? "The credential sees no repository. Give its account access to one on the forge."
          : "No repository of that name, or the credential cannot see it."}
      </p>
    );
  }
  return (
    <ul class="card repositories">
      {found.repositories.map((one) => (
        <FoundRow view={view} one={one} />
      ))}
    </ul>
  );
}

function FoundRow({ view, one }: { view: ForgeRepositoriesView; one: Found }) {
  const chosen = view.repositories.some(
    ({ connection_id, owner, name }) =>
      connection_id === view.connection.id && owner === one.owner && name === one.name,
  );
  const id = `choose-${one.owner}-${one.name}`;
  return (
    <li>
      <div class="found">
        <RepositoryName {...one} />
        <span class="found-facts">
          <DefaultBranch branch={one.default_branch} />
          {one.private && <span class="tag">private</span>}
          {one.archived && <span class="tag">archived</span>}
        </span>
        {!one.can_push && !one.archived && (
          <span class="small warn">
            The credential cannot push here. Give its account write access on the forge, or runs will fail.
          </span>
        )}
      </div>
      {chosen ? (
        <span class="muted small" id={id} tabindex={-1}>
          In this workspace
        </span>
      ) : (
        !one.archived && <ChooseForm view={view} one={one} id={id} />
      )}
    </li>
  );
}

function ChooseForm({ view, one, id }: { view: ForgeRepositoriesView; one: Found; id: string }) {
  return (
    <form
      method="post"
      data-api={`/api/v1/workspaces/${view.workspace}/repositories`}
      data-then="refresh"
      data-result="chosen"
      data-said="{owner}/{name} is in this workspace now; its default branch is {default_branch}."
    >
      <input type="hidden" name="connection_id" value={String(view.connection.id)} data-type="integer" />
      <input type="hidden" name="owner" value={one.owner} />
      <input type="hidden" name="name" value={one.name} />
      <button type="submit" id={id}>
        Use<span class="hidden"> {`${one.owner}/${one.name}`}</span>
      </button>
      <FormError />
    </form>
  );
}
