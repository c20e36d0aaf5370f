import { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { type SearchParams, valuesOf } from "../shell/search-params.ts";

const LISTS = ["status", "assignee", "creator", "label", "priority", "parent"] as const;
export type ListFilter = (typeof LISTS)[number];

/** How a list is cut into parts. */
export type Grouping = "status" | "none";

/** What the address says about which items are shown; what it says wrongly is left out. */
export function filterOf(search: SearchParams): ItemQuery {
  const query: Record<string, unknown> = {};
  for (const name of LISTS) {
    const good = valuesOf(search, name).filter((value) => ItemQuery.safeParse({ [name]: [value] }).success);
    if (good.length > 0) query[name] = good;
  }
  for (const name of ["q", "sort", "order"] as const) {
    const [value] = valuesOf(search, name);
    if (value !== undefined && ItemQuery.safeParse({ [name]: value }).success) query[name] = value;
  }
  const parsed = ItemQuery.safeParse(query);
  return parsed.success ? parsed.data : {};
}

/** How the address says that a list is grouped: by status unless it says `group=none`. */
export function groupingOf(search: SearchParams): Grouping {
  return valuesOf(search, "group")[0] === "none" ? "none" : "status";
}

/** Whether anything is left out of the list; how it is sorted does not count. */
export function isFiltered(query: ItemQuery): boolean {
  return LISTS.some((name) => query[name] !== undefined) || (query.q ?? "") !== "";
}

/** The query with a value of a filter put in or taken out. */
export function toggled(query: ItemQuery, name: ListFilter, value: string): ItemQuery {
  const values: string[] = query[name] ?? [];
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  const { [name]: _gone, ...rest } = query;
  return filterOf({ ...(rest as SearchParams), [name]: next });
}

/** The query without filters, in the same order. */
export function unfiltered({ sort, order }: ItemQuery): ItemQuery {
  return { ...(sort === undefined ? {} : { sort }), ...(order === undefined ? {} : { order }) };
}
