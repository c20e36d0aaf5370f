import { expect, test } from "bun:test";
import { dropOldDrafts } from "./draft.ts";

const DAY_MS = 86_400_000;

/** A browser's store: what it holds are its own keys. */
function storeOf(entries: Record<string, string>) {
  const methods = {
    getItem: (key: string) => entries[key] ?? null,
    removeItem: (key: string) => {
      delete entries[key];
      delete (store as Record<string, unknown>)[key];
    },
  };
  const store = Object.assign(Object.create(methods) as typeof methods, entries);
  return store;
}

test("what cannot be read, is old or belongs to nobody goes, and hides no draft of a person", () => {
  const fresh = JSON.stringify({ atMs: 29 * DAY_MS, values: "typed" });
  const store = storeOf({
    "draft:broken": "{",
    "draft:4fT_9:null": "null",
    "draft:4fT_9:cut": '{"atMs":',
    "draft:4fT_9:undated": '{"values":"typed"}',
    "draft:4fT_9:comment:DEMO-1": fresh,
    "draft:4fT_9:comment:DEMO-2": JSON.stringify({ atMs: -DAY_MS, values: "typed" }),
    "draft::set-up:person": fresh,
    "draft:comment:DEMO-1": fresh,
    "draft:new-item-workspace": fresh,
    "something-else": "{",
  });
  dropOldDrafts(store, 29 * DAY_MS);
  expect(Object.keys(store)).toEqual([
    "draft:4fT_9:comment:DEMO-1",
    "draft::set-up:person",
    "something-else",
  ]);
});
