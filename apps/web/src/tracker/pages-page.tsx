import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { Page } from "@windshift/contract/api/page.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { type ReactNode, useState } from "react";
import { useMe, useRole } from "../api/me.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { NewPageDialog } from "./new-page-dialog.tsx";
import { PageMenu } from "./page-menu.tsx";
import { pageTreeQuery } from "./page-queries.ts";
import { PageView } from "./page-view.tsx";
import { PlainLink } from "./plain-link.tsx";

/** The documents of a workspace: their tree, and the one that is open. */
export function PagesPage() {
  const params = useParams({ strict: false }) as { workspace?: string; page?: string };
  const key = WorkspaceKey.safeParse(params.workspace);
  const role = useRole(key.data ?? "");
  const id = params.page === undefined ? undefined : Number(params.page);
  const named = id === undefined || (/^[1-9]\d{0,9}$/.test(params.page ?? "") && Number.isSafeInteger(id));
  if (!key.success || role === undefined || !named) return <NotFoundPage />;
  return <Pages workspace={key.data} mayChange={role !== "viewer"} open={id} />;
}

function Pages(props: { workspace: string; mayChange: boolean; open: number | undefined }) {
  const { workspace, mayChange, open } = props;
  const read = useQuery(pageTreeQuery(workspace));
  const [parent, setParent] = useState<number | null>();
  if (read.error !== null && read.data === undefined) throw read.error;
  const pages = read.data ?? [];
  const add = mayChange ? (under: number | null) => setParent(under) : undefined;
  return (
    <div className={open === undefined ? "pages" : "pages pages-open"}>
      <div className="pages-side">
        <PagesHead workspace={workspace} open={open}>
          {add !== undefined && (
            <Button
              size="compact-sm"
              variant={open === undefined ? "filled" : "default"}
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => add(null)}
            >
              New page
            </Button>
          )}
        </PagesHead>
        {read.isPending && <PagePending />}
        {!read.isPending && pages.length === 0 && (
          <EmptyState title="No pages yet">
            Plans, decisions and how-tos live here. Linked to an item, agents that work on it read them.
          </EmptyState>
        )}
        {pages.length > 0 && <PageMenu pages={pages} open={open} />}
      </div>
      <div className="pages-main">
        {open === undefined ? (
          <NewestPages pages={pages} />
        ) : (
          <PageView
            key={open}
            workspace={workspace}
            id={open}
            pages={pages}
            onAdd={add}
            mayChange={mayChange}
          />
        )}
      </div>
      {parent !== undefined && (
        <NewPageDialog workspace={workspace} parent={parent} onClose={() => setParent(undefined)} />
      )}
    </div>
  );
}

/** Beside an open page the heading of the tab is that page's own. */
function PagesHead(props: { workspace: string; open: number | undefined; children: ReactNode }) {
  const name = useMe().workspaces.find(({ key }) => key === props.workspace)?.name ?? props.workspace;
  if (props.open === undefined) return <PageHead title={`${name}: pages`}>{props.children}</PageHead>;
  return (
    <div className="pages-side-head">
      <PlainLink to={paths.pages(props.workspace)}>All pages</PlainLink>
      {props.children}
    </div>
  );
}

/** Pages that were changed last, as many as one looks through. */
const NEWEST_MAX = 12;

function NewestPages({ pages }: { pages: readonly Page[] }) {
  if (pages.length === 0) return null;
  const newest = [...pages].sort((a, b) => b.updated_at.localeCompare(a.updated_at)).slice(0, NEWEST_MAX);
  return (
    <section aria-labelledby="newest-title">
      <h2 id="newest-title" className="part-title">
        Changed last
      </h2>
      <ul className="newest-pages">
        {newest.map((page) => (
          <li key={page.id}>
            <PlainLink to={paths.page(page.workspace, page.id)}>{visibleText(page.title)}</PlainLink>
            <span className="quiet">
              {page.editor.name} · <TimeText at={page.updated_at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
