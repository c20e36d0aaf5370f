import type { Page } from "@windshift/contract/api/page.ts";

/** A page with those that lie under it. */
export interface PageNode {
  page: Page;
  children: PageNode[];
}

/** The pages as a tree, by title on each level. A page whose parent is not there stands at the top. */
export function treeOf(pages: readonly Page[]): PageNode[] {
  const nodes = new Map(pages.map((page) => [page.id, { page, children: [] } as PageNode]));
  const roots: PageNode[] = [];
  for (const node of nodes.values()) {
    const parent = node.page.parent_id === null ? undefined : nodes.get(node.page.parent_id);
    (parent?.children ?? roots).push(node);
  }
  for (const some of [roots, ...[...nodes.values()].map(({ children }) => children)])
    some.sort((a, b) => a.page.title.localeCompare(b.page.title, "en", { numeric: true }));
  return roots;
}

/** Ids of the pages that a page lies under, the nearest first. */
export function ancestorsOf(pages: readonly Page[], id: number): number[] {
  const parents = new Map(pages.map((page) => [page.id, page.parent_id]));
  const found: number[] = [];
  for (let parent = parents.get(id); parent != null && !found.includes(parent); parent = parents.get(parent))
    found.push(parent);
  return found;
}
