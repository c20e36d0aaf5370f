import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { DATABASE_FIXTURE, moduleUse, PROGRAM_COMMAND } from "./module-use.ts";
import {
  findTestFiles,
  ONE_ENGINE_FILES,
  ONE_ENGINE_FOLDERS,
  POSTGRES_FILES,
  planTests,
} from "./test-plan.ts";

const ROOT = resolve(import.meta.dir, "../..");

test("every test file runs, and those that touch the database on both engines but for the named ones", () => {
  const files = findTestFiles(ROOT, []);
  const uses = moduleUse(ROOT);
  const touches = (file: string) => uses(file, DATABASE_FIXTURE);
  const [sqlite, postgres] = planTests(files, touches).map((group) => group.files);
  expect([...new Set([sqlite, postgres].flatMap((group) => group ?? []))].sort()).toEqual(files);
  const once = [...ONE_ENGINE_FILES, ...ONE_ENGINE_FOLDERS];
  const onBoth = sqlite?.filter(
    (file) =>
      /^(apps\/server|e2e)\//.test(file) && touches(file) && !once.some((place) => file.startsWith(place)),
  );
  expect(postgres?.filter((file) => !POSTGRES_FILES.includes(file))).toEqual(onBoth);
});

test("the files and folders that run on one engine exist", () => {
  expect(
    [...ONE_ENGINE_FILES, ...ONE_ENGINE_FOLDERS, ...POSTGRES_FILES].filter(
      (file) => !existsSync(join(ROOT, file)),
    ),
  ).toEqual([]);
});

test("a file touches the database that makes one, itself or through what it loads", () => {
  const uses = moduleUse(ROOT);
  const touches = (file: string) => uses(file, DATABASE_FIXTURE);
  expect(touches("apps/server/src/users/sign-in.test.ts")).toBe(true);
  expect(touches("apps/server/src/work-items/comment.test.ts")).toBe(true);
  expect(touches("e2e/crash.test.ts")).toBe(true);
  expect(touches("apps/server/src/brokers/git-listener.test.ts")).toBe(false);
  expect(touches("apps/server/src/db/data-folder-lock.test.ts")).toBe(false);
});

test("programs are compiled for files that start one, and for no others", () => {
  const uses = moduleUse(ROOT);
  expect(uses("e2e/crash.test.ts", PROGRAM_COMMAND)).toBe(true);
  expect(uses("apps/triage/src/push.test.ts", PROGRAM_COMMAND)).toBe(true);
  expect(uses("apps/server/src/work-items/comment.test.ts", PROGRAM_COMMAND)).toBe(false);
});
