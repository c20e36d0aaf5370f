import { Button, Group } from "@mantine/core";
import { IconHistory, IconPencil, IconPlus } from "@tabler/icons-react";
import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Page, PageDetail } from "@windshift/contract/api/page.ts";
import { Suspense, useState } from "react";
import { sendApi } from "../api/api.ts";
import { useMe, useRole } from "../api/me.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { sayDone } from "../shell/notices.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { useShortcuts } from "../shell/shortcuts.ts";
import { PageEditor } from "./page-editor.tsx";
import { PageParent } from "./page-parent.tsx";
import { pageQuery } from "./page-queries.ts";
import { usePageText } from "./page-text.ts";
import { PageVersionsDrawer } from "./page-versions.tsx";
import { PlainLink } from "./plain-link.tsx";
import { StatusIcon } from "./status-icon.tsx";

interface PageViewProps {
  workspace: string;
  id: number;
  pages: readonly Page[];
  mayChange: boolean;
  /** Begins a page under this one. */
  onAdd: ((under: number) => void) | undefined;
}

/** One document: read, and changed where it stands. */
export function PageView(props: PageViewProps) {
  return (
    <Suspense fallback={<PagePending />}>
      <OpenPage {...props} />
    </Suspense>
  );
}

function OpenPage({ workspace, id, pages, mayChange, onAdd }: PageViewProps) {
  const { data: page } = useSuspenseQuery(pageQuery(id));
  const text = usePageText(page);
  const [history, setHistory] = useState(false);
  useShortcuts(mayChange ? [{ keys: "e", does: "Edit the page", group: "Page", run: text.begin }] : []);
  if (page.workspace !== workspace) return <NotFoundPage />;
  const editing = text.draft !== undefined && mayChange;
  return (
    <article className="page" aria-label={page.title}>
      <PageHead title={visibleText(page.title)}>
        {mayChange && !editing && (
          <Button size="compact-sm" leftSection={<IconPencil size={14} aria-hidden />} onClick={text.begin}>
            Edit
          </Button>
        )}
        {onAdd !== undefined && !editing && (
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onAdd(id)}
          >
            Page under this
          </Button>
        )}
        <Button
          variant="default"
          size="compact-sm"
          leftSection={<IconHistory size={14} aria-hidden />}
          onClick={() => setHistory(true)}
        >
          Versions
        </Button>
        {mayChange && !editing && <DeletePage page={page} />}
      </PageHead>
      <Group gap="xs" className="page-facts quiet">
        <span>
          Version {page.version} by <PersonName user={page.editor} />, <TimeText at={page.updated_at} />
        </span>
        <PageParent page={page} pages={pages} mayChange={mayChange} />
      </Group>
      {editing ? (
        <PageEditor page={page} text={text} />
      ) : page.body === "" ? (
        <p className="quiet">This page is empty.</p>
      ) : (
        <>
          <h2 className="sr-only">Text</h2>
          <Markdown text={page.body} />
        </>
      )}
      <Backlinks page={page} />
      {history && <PageVersionsDrawer page={page} mayChange={mayChange} onClose={() => setHistory(false)} />}
    </article>
  );
}

function Backlinks({ page }: { page: PageDetail }) {
  return (
    <section aria-labelledby="backlinks-title" className="backlinks">
      <h2 id="backlinks-title">Linked items</h2>
      {page.backlinks.length === 0 && (
        <p className="quiet">None. Link this page on an item, and agents that work on the item read it.</p>
      )}
      <ul className="side-list">
        {page.backlinks.map((item) => (
          <li key={item.key}>
            <StatusIcon status={item.status} named />
            <span>
              <PlainLink to={paths.item(item.key)}>
                {item.key} {visibleText(item.title)}
              </PlainLink>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function DeletePage({ page }: { page: PageDetail }) {
  const me = useMe();
  const admin = useRole(page.workspace) === "admin";
  const client = useQueryClient();
  const navigate = useNavigate();
  if (!admin && page.creator.id !== me.id) return null;
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/pages/${page.id}`);
    await navigate({ to: paths.pages(page.workspace) });
    client.removeQueries({ queryKey: pageQuery(page.id).queryKey });
    await client.invalidateQueries({ queryKey: ["pages", page.workspace] });
    sayDone(`The page ${page.title} was deleted.`);
  };
  return (
    <ConfirmButton
      label="Delete"
      title={`Delete the page ${page.title}?`}
      verb="Delete page"
      size="compact-sm"
      onConfirm={remove}
    >
      Its text, its versions and its links to items go with it.
    </ConfirmButton>
  );
}
