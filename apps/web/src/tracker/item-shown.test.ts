import { expect, test } from "bun:test";
import { QueryClient } from "@tanstack/react-query";
import { WorkItem } from "@windshift/contract/api/work-item.ts";
import { itemListQuery } from "./item-queries.ts";
import { itemsOf, showChange } from "./item-shown.ts";

const TODO = itemListQuery("DEMO", { status: ["todo"] }).queryKey;
const DONE = itemListQuery("DEMO", { status: ["done"] }).queryKey;
const LABEL = { id: 1, name: "bug", color: "#d93f0b" };
const OTHER_LABEL = { id: 2, name: "chore", color: "#d93f0b" };

function itemOf(number: number): WorkItem {
  const at = "2026-01-01T00:00:00.000Z";
  return WorkItem.parse({
    id: number,
    key: `DEMO-${number}`,
    workspace: "DEMO",
    title: `Item ${number}`,
    status: "todo",
    priority: "none",
    labels: [],
    assignee: null,
    creator: { id: "ada", name: "Ada", kind: "person" },
    parent: null,
    children_count: 0,
    children_done_count: 0,
    active_run: null,
    created_at: at,
    updated_at: at,
  });
}

/** A board of two columns, with three items to do. */
function openBoard() {
  const client = new QueryClient();
  const listOf = (items: WorkItem[]) => ({ pages: [{ items, next_before: null }], pageParams: [undefined] });
  client.setQueryData(TODO, listOf([1, 2, 3].map(itemOf)));
  client.setQueryData(DONE, listOf([]));
  const shown = (queryKey: typeof TODO) => itemsOf(client.getQueryData(queryKey));
  const keys = () => [
    shown(TODO)
      .map(({ key }) => key)
      .join(),
    shown(DONE)
      .map(({ key }) => key)
      .join(),
  ];
  const find = (key: string) => [...shown(TODO), ...shown(DONE)].find((item) => item.key === key);
  return { client, keys, find };
}

test("a change that is refused goes back to its place", () => {
  const { client, keys } = openBoard();
  const takeBack = showChange(client, "DEMO-2", { status: "done" });
  expect(keys()).toEqual(["DEMO-1,DEMO-3", "DEMO-2"]);
  takeBack();
  expect(keys()).toEqual(["DEMO-1,DEMO-2,DEMO-3", ""]);
});

test("a change that is refused takes nothing back of what was changed since, of it or of others", () => {
  const { client, keys, find } = openBoard();
  const takeStatusBack = showChange(client, "DEMO-1", { status: "done" });
  const takeLabelBack = showChange(client, "DEMO-1", { labels: [LABEL] });
  showChange(client, "DEMO-1", { labels: [LABEL, OTHER_LABEL] });
  showChange(client, "DEMO-2", { status: "done" });
  takeStatusBack();
  takeLabelBack();
  expect(keys()).toEqual(["DEMO-1,DEMO-3", "DEMO-2"]);
  expect(find("DEMO-1")?.labels).toEqual([LABEL, OTHER_LABEL]);
});

test("two changes that are refused one after the other are both gone", () => {
  const { client, keys, find } = openBoard();
  const takeFirstBack = showChange(client, "DEMO-1", { status: "done" });
  const takeSecondBack = showChange(client, "DEMO-2", { priority: "high" });
  takeFirstBack();
  takeSecondBack();
  expect(keys()).toEqual(["DEMO-1,DEMO-2,DEMO-3", ""]);
  expect(find("DEMO-2")?.priority).toBe("none");
});
