import { VisuallyHidden } from "@mantine/core";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type WorkItem, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { useRef, useState } from "react";
import { useMe, useRole } from "../api/me.ts";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { type SearchParams, stringifySearch } from "../shell/search-params.ts";
import { BoardColumn } from "./board-column.tsx";
import { useBoardKeys } from "./board-keys.ts";
import { useBoardTouch } from "./board-touch.ts";
import { filterOf } from "./item-filter.ts";
import { ItemFilters } from "./item-filters.tsx";
import { NewItemButton } from "./item-list-page.tsx";
import { STATUS_TEXT } from "./item-words.ts";
import { statusChange, useItemChange } from "./item-writes.ts";
import { useLiveItems } from "./live-items.ts";
import { PlainLink } from "./plain-link.tsx";
import { ViewMenu } from "./view-menu.tsx";

/** The items of a workspace in columns by their status. */
export function BoardPage() {
  const { workspace } = useParams({ strict: false }) as { workspace?: string };
  const key = WorkspaceKey.safeParse(workspace);
  const role = useRole(key.data ?? "");
  if (!key.success || role === undefined) return <NotFoundPage />;
  return <Board key={key.data} workspace={key.data} mayChange={role !== "viewer"} />;
}

function Board({ workspace, mayChange }: { workspace: string; mayChange: boolean }) {
  const me = useMe();
  const navigate = useNavigate();
  const query = filterOf(useSearch({ strict: false }) as SearchParams);
  const change = useItemChange();
  const [said, setSaid] = useState("");
  useLiveItems(workspace);
  const move = (item: WorkItem, status: WorkItemStatus) => {
    if (status === item.status) return;
    setSaid(`${item.key} moved to ${STATUS_TEXT[status]}`);
    change.mutate(statusChange(item, status));
  };
  const board = useRef<HTMLElement>(null);
  useBoardKeys(workspace, query, mayChange ? move : undefined);
  useBoardTouch(board, workspace, query, mayChange ? move : undefined, setSaid);
  const name = me.workspaces.find(({ key }) => key === workspace)?.name ?? workspace;
  const columns = query.status ?? WorkItemStatus.options;
  return (
    <>
      <PageHead title={`${name}: board`}>
        <PlainLink to={`${paths.items(workspace)}${stringifySearch(query)}`}>List</PlainLink>
        <ViewMenu workspace={workspace} layout="board" query={query} mayShare={mayChange} />
        {mayChange && <NewItemButton workspace={workspace} />}
      </PageHead>
      <ItemFilters
        workspace={workspace}
        query={query}
        onChange={(next) => void navigate({ to: paths.board(workspace), search: { ...next }, replace: true })}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard. */}
      <section ref={board} className="board" aria-label="Board" tabIndex={0}>
        {columns.map((status) => (
          <BoardColumn
            key={status}
            workspace={workspace}
            query={query}
            status={status}
            onMove={mayChange ? move : undefined}
          />
        ))}
      </section>
      <VisuallyHidden role="status">{said}</VisuallyHidden>
    </>
  );
}
