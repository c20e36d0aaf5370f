import { expect, test } from "bun:test";
import { hasNextPage } from "./page-link.ts";

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
