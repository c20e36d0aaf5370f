import { LIST_PAGE, LIST_PAGE_MAX } from "@windshift/contract/limits.ts";
import { z } from "zod";

const ROW_ID = /^[1-9][0-9]{0,9}$/;
/** Ids are 32-bit in both databases. */
export const ROW_ID_MAX = 2_147_483_647;

/** A row's id as it stands in a path; undefined when it cannot be one. */
export function parseRowId(text: string | undefined): number | undefined {
  if (text === undefined || !ROW_ID.test(text)) return undefined;
  const id = Number(text);
  return id <= ROW_ID_MAX ? id : undefined;
}

/** A row's id in a path. */
export const RowIdParam = z.string().regex(ROW_ID, "a positive number").transform(Number);

/** A row's id in a query, where a list goes on. */
export const CursorParam = z
  .string()
  .regex(/^[0-9]{1,10}$/, "a number")
  .transform(Number)
  .pipe(z.int().max(ROW_ID_MAX))
  .optional();

/** How many rows a list gives at most. */
export const LimitParam = z
  .string()
  .regex(/^[0-9]{1,4}$/, `a number up to ${LIST_PAGE_MAX}`)
  .transform(Number)
  .pipe(z.int().min(1).max(LIST_PAGE_MAX))
  .default(LIST_PAGE);
