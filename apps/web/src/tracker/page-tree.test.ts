import { expect, test } from "bun:test";
import { Page } from "@windshift/contract/api/page.ts";
import { ancestorsOf, type PageNode, treeOf } from "./page-tree.ts";

const ada = { id: "1", name: "Ada", kind: "person" as const };
const page = (id: number, title: string, parent_id: number | null = null) =>
  Page.parse({
    ...{ id, title, parent_id, workspace: "DEMO", version: 1, creator: ada, editor: ada },
    ...{ created_at: "2030-01-01T00:00:00Z", updated_at: "2030-01-01T00:00:00Z" },
  });
const outline = (nodes: readonly PageNode[]): unknown[] =>
  nodes.map(({ page: { title }, children }) => (children.length === 0 ? title : [title, outline(children)]));

test("pages stand under their parents, by title on each level", () => {
  const pages = [
    page(4, "Step 10", 1),
    page(3, "Step 2", 1),
    page(2, "About"),
    page(1, "Guide"),
    page(5, "Deep", 3),
  ];
  expect(outline(treeOf(pages))).toEqual(["About", ["Guide", [["Step 2", ["Deep"]], "Step 10"]]]);
  expect(ancestorsOf(pages, 5)).toEqual([3, 1]);
});

test("a page whose parent is not there stands at the top, and a circle does not hang the reader", () => {
  expect(outline(treeOf([page(2, "Orphan", 99)]))).toEqual(["Orphan"]);
  expect(ancestorsOf([page(1, "A", 2), page(2, "B", 1)], 1)).toEqual([2, 1]);
});
