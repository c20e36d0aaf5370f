import { ItemQuery, ItemSort, Priority, WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { FILTER_VALUES_MAX, SEARCH_CHARS_MAX } from "@windshift/contract/limits.ts";
import { z } from "zod";
import { invalidInput } from "../http/error-reply.ts";
import { LimitParam } from "../http/params.ts";

/** A filter in a query string: one value, or several by repetition. */
function many<T extends z.ZodType>(value: T) {
  return z
    .union([z.array(value).max(FILTER_VALUES_MAX), value])
    .transform((found): z.output<T>[] => (Array.isArray(found) ? found : [found]) as z.output<T>[])
    .optional();
}
const Text = (charsMax: number) => z.string().min(1).max(charsMax);

/** ItemQuery as it stands in an address, without the page. What is misspelled is refused: without it a list would show too much. */
export const ItemFilterParams = z.strictObject({
  status: many(WorkItemStatus),
  assignee: many(Text(64)),
  creator: many(Text(64)),
  label: many(Text(10)),
  priority: many(Priority),
  parent: many(Text(20)),
  q: z.string().max(SEARCH_CHARS_MAX).optional(),
});

export const ItemListParams = ItemFilterParams.extend({
  sort: ItemSort.default("created"),
  order: z.enum(["asc", "desc"]).default("desc"),
  /** `next_before` of the page before, of a list in the same order. */
  before: Text(40).optional(),
  limit: LimitParam,
});

/** The filters of an address, checked as those of a saved view are. @throws AppError `invalid_input` */
export function itemQueryOf(params: z.output<typeof ItemFilterParams>): ItemQuery {
  const { status, assignee, creator, label, priority, parent, q } = params;
  const found = ItemQuery.safeParse({ status, assignee, creator, label, priority, parent, q });
  if (!found.success) throw invalidInput(found.error);
  return found.data;
}
