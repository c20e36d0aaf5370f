import { expect, test } from "bun:test";
import { missingFiles } from "./named-files.ts";
import type { SourceFile } from "./source-tree.ts";

const files: SourceFile[] = ["apps/server/src/runs/run-queue.ts", "apps/server/src/runs/run-routes.ts"].map(
  (path) => ({ path, text: "", imports: [] }),
);

test("a page may name files by name, by the end of a path and with a star", () => {
  expect(
    missingFiles("a.md", "`run-queue.ts`, `runs/run-queue.ts`, `*-routes.ts`, `not code`", files),
  ).toEqual([]);
});

test("a file that a page names and nobody has is told with its line", () => {
  expect(missingFiles("a.md", "x\n`queue.ts` and `runs/run-queue.ts`", files)).toEqual([
    "a.md:2: there is no file queue.ts",
  ]);
});
