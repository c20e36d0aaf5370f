import { Button, Skeleton } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ItemQuery, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { useState } from "react";
import { useMe, useRole } from "../api/me.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { openOverlay } from "../shell/overlay.ts";
import { type SearchParams, stringifySearch } from "../shell/search-params.ts";
import { filterOf, type Grouping, groupingOf, isFiltered } from "./item-filter.ts";
import { ItemFilters } from "./item-filters.tsx";
import { ItemList } from "./item-list.tsx";
import { useLiveItems } from "./live-items.ts";
import { PickedBar } from "./picked-bar.tsx";
import { PlainLink } from "./plain-link.tsx";
import { useItemLines } from "./use-item-lines.ts";
import { ViewMenu } from "./view-menu.tsx";

/** The items of a workspace; which of them, and in which order, stands in the address. */
export function ItemListPage() {
  const { workspace } = useParams({ strict: false }) as { workspace?: string };
  const key = WorkspaceKey.safeParse(workspace);
  const role = useRole(key.data ?? "");
  if (!key.success || role === undefined) return <NotFoundPage />;
  return <Items key={key.data} workspace={key.data} mayChange={role !== "viewer"} />;
}

function Items({ workspace, mayChange }: { workspace: string; mayChange: boolean }) {
  const me = useMe();
  const search = useSearch({ strict: false }) as SearchParams;
  const navigate = useNavigate();
  const query = filterOf(search);
  const grouping = groupingOf(search);
  const [closed, setClosed] = useState<ReadonlySet<WorkItemStatus>>(new Set<WorkItemStatus>(["canceled"]));
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set<string>());
  const { lines, loading, error } = useItemLines(workspace, query, grouping, closed);
  useLiveItems(workspace);
  const go = (next: ItemQuery, group: Grouping = grouping) =>
    void navigate({
      to: paths.items(workspace),
      search: { ...next, ...(group === "none" ? { group } : {}) },
      replace: true,
    });
  if (error !== null) throw error;
  const name = me.workspaces.find(({ key }) => key === workspace)?.name ?? workspace;
  const items = lines.flatMap((line) => (line.kind === "item" ? [line.item] : []));
  return (
    <>
      <PageHead title={`${name}: work items`}>
        <PlainLink to={`${paths.board(workspace)}${stringifySearch(query)}`}>Board</PlainLink>
        <ViewMenu workspace={workspace} layout="list" query={query} mayShare={mayChange} />
        {mayChange && <NewItemButton workspace={workspace} />}
      </PageHead>
      <ItemFilters
        workspace={workspace}
        query={query}
        onChange={(next) => go(next)}
        grouping={grouping}
        onGroup={(group) => go(query, group)}
      />
      {loading && lines.length === 0 && <ListSkeleton />}
      {!loading && lines.length === 0 && <NoItems filtered={isFiltered(query)} mayChange={mayChange} />}
      {lines.length > 0 && (
        <ItemList
          label={`Work items of ${name}`}
          lines={lines}
          picked={picked}
          onPick={mayChange ? (key) => setPicked(flipped(picked, key)) : undefined}
          onFold={(status) => setClosed(flipped(closed, status))}
        />
      )}
      <PickedBar
        items={items.filter(({ key }) => picked.has(key))}
        onClear={() => setPicked(new Set<string>())}
      />
    </>
  );
}

/** Opens the dialog for a new item of the workspace; above its list and its board. */
export function NewItemButton({ workspace }: { workspace: string }) {
  return (
    <Button
      size="compact-sm"
      leftSection={<IconPlus size={14} aria-hidden />}
      onClick={() => openOverlay({ kind: "new-item", workspace })}
    >
      New item
    </Button>
  );
}

/** In the place of an empty list: why it is empty, and to whoever may change it, how it fills. */
export function NoItems({ filtered, mayChange }: { filtered: boolean; mayChange: boolean }) {
  return filtered ? (
    <EmptyState title="No items here">No item of this workspace fits all of the filters.</EmptyState>
  ) : (
    <EmptyState title="No items yet">
      {mayChange
        ? "Write down what is to be done, then assign it to somebody or to an agent. The key c makes one from anywhere."
        : "Nobody has made one yet."}
    </EmptyState>
  );
}

/** Lines that a list shows while it is read. */
const SKELETON_LINES = 8;

function ListSkeleton() {
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: SKELETON_LINES }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same.
        <Skeleton key={line} height={20} my={14} />
      ))}
    </div>
  );
}

function flipped<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}
