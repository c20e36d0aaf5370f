import type { ItemSort } from "@windshift/contract/api/work-item.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { ROW_ID_MAX } from "../http/params.ts";

/** Where a list goes on: behind this row of the order it is in. `value` is 0 where the id alone gives the order. */
export interface ItemCursor {
  value: number;
  id: number;
}

/** `17`, or `1790000000000.17` where rows are in the order of another column. */
export function printCursor(sort: ItemSort, { value, id }: ItemCursor): string {
  return sort === "created" ? String(id) : `${value}.${id}`;
}

/** @throws AppError `invalid_input` for what no list of this order gave out */
export function parseCursor(sort: ItemSort, text: string): ItemCursor {
  const match = (sort === "created" ? /^()(\d{1,10})$/ : /^(\d{1,15})\.(\d{1,10})$/).exec(text);
  const id = Number(match?.[2]);
  if (match === null || id > ROW_ID_MAX) {
    const message = "give next_before of a page in the same order";
    throw new AppError("invalid_input", `before: ${message}`, { details: [{ path: "before", message }] });
  }
  return { value: Number(match[1]), id };
}
