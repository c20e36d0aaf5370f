import { expect, test } from "bun:test";
import { hasNextPage, lastPageOf } from "./page-link.ts";

test("a listing goes on when a next page is named, among others and in either writing", () => {
  const last = '<https://forge.example/api/repos?page=9>; rel="last"';
  expect(hasNextPage(`<https://forge.example/api/repos?page=2>; rel="next", ${last}`)).toBe(true);
  expect(hasNextPage(`${last}, <https://forge.example/api/repos?page=2>; rel=next`)).toBe(true);
  expect(hasNextPage(last)).toBe(false);
  expect(hasNextPage('<https://forge.example/?rel="nextly">; rel="prev"')).toBe(false);
  expect(hasNextPage(undefined)).toBe(false);
});

test("a header without end is looked at in bounded time", () => {
  expect(hasNextPage(`;${" ".repeat(5_000_000)}`)).toBe(false);
});

test("the number of the last page is told among others, and none where it is not said", () => {
  const next = '<https://forge.example/api/reviews?per_page=100&page=2>; rel="next"';
  expect(lastPageOf(`${next}, <https://forge.example/api/reviews?per_page=100&page=7>; rel="last"`)).toBe(7);
  expect(lastPageOf("<https://forge.example/api/reviews?page=12&limit=50>; rel=last")).toBe(12);
  for (const none of [next, "", undefined, '<https://forge.example/?rel="last"&page=9>; rel="prev"'])
    expect(lastPageOf(none)).toBeUndefined();
  expect(lastPageOf(`<${"?page=1".repeat(1_000_000)}`)).toBeUndefined();
});
