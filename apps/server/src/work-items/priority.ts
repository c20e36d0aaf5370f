import { Priority } from "@windshift/contract/api/work-item.ts";
import { assert } from "@windshift/contract/app-error.ts";

/** A priority as the database orders it: 0 for none to 4 for urgent. */
export function rankOf(priority: Priority): number {
  return Priority.options.indexOf(priority);
}

/** The priority of a stored rank, which is its place in the list. */
export function priorityOf(rank: number): Priority {
  const priority = Priority.options[rank];
  assert(priority !== undefined, `the priority ${rank} is one of the list`);
  return priority;
}
