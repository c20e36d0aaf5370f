import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { useRef } from "react";
import { useMe } from "../api/me.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { openOverlay } from "../shell/overlay.ts";
import { PagePending } from "../shell/page-pending.tsx";
import { useShortcuts } from "../shell/shortcuts.ts";
import { FirstWorkspace } from "./first-workspace.tsx";
import { itemListQuery } from "./item-queries.ts";
import { ItemRow } from "./item-row.tsx";
import { itemsOf } from "./item-shown.ts";

const OPEN: NonNullable<ItemQuery["status"]> = ["todo", "in_progress", "in_review"];
/** How often a page over all workspaces asks what is new, ms: no stream speaks of all of them. */
const REFRESH_MS = 20_000;

/** What is the reader's to do, and what they made that others or agents work on, over all workspaces. */
export function MyWorkPage() {
  const me = useMe();
  const page = useRef<HTMLDivElement>(null);
  useRowKeys(page);
  const mayCreate = me.workspaces.some(({ role }) => role !== "viewer");
  return (
    <>
      <PageHead title="My work">
        {mayCreate && (
          <Button
            size="compact-sm"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => openOverlay({ kind: "new-item" })}
          >
            New item
          </Button>
        )}
      </PageHead>
      {me.workspaces.length === 0 ? (
        <FirstWorkspace admin={me.admin} />
      ) : (
        <div ref={page}>
          <Part
            title="Assigned to me"
            query={{ assignee: ["me"], status: OPEN, sort: "priority" }}
            empty="Nothing is assigned to you. What others assign to you stands here."
          />
          <Part
            title="Made by me"
            query={{ creator: ["me"], status: OPEN, sort: "updated" }}
            empty="You have made no items that are open. Press c to make one."
          />
        </div>
      )}
    </>
  );
}

function Part({ title, query, empty }: { title: string; query: ItemQuery; empty: string }) {
  const read = useInfiniteQuery({ ...itemListQuery("all", query), refetchInterval: REFRESH_MS });
  const items = itemsOf(read.data);
  if (read.error !== null && read.data === undefined) throw read.error;
  return (
    <section aria-label={title} className="my-part">
      <h2 className="part-title">{title}</h2>
      {read.isPending && <PagePending />}
      {!read.isPending && items.length === 0 && <EmptyState title="Nothing here">{empty}</EmptyState>}
      <ul className="item-list">
        {items.map((item) => (
          <li key={item.key} className="item-line-item">
            <ItemRow item={item} />
          </li>
        ))}
      </ul>
      <MoreButton list={read}>Show more</MoreButton>
    </section>
  );
}

function useRowKeys(page: { current: HTMLElement | null }): void {
  const move = (step: 1 | -1) => {
    const rows = [...(page.current?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
    const at = document.activeElement instanceof HTMLElement ? rows.indexOf(document.activeElement) : -1;
    rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
  };
  const group = "List";
  useShortcuts([
    { keys: "j", does: "Next item", group, run: () => move(1) },
    { keys: "k", does: "Previous item", group, run: () => move(-1) },
  ]);
}
