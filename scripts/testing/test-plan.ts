import { Glob } from "bun";
import { scanImports } from "../checks/import-scan.ts";

/** Test files that run together under the same environment. */
export interface TestGroup {
  title: string;
  files: string[];
  database: "sqlite" | "postgres";
}

/** Folders whose tests run once on each engine, where they make a database at all. */
const DATABASE_FOLDERS = ["apps/server/", "e2e/"];
/**
 * Files below those folders that look at pages, installation, addresses and what a host does, where one store is as good as another:
 * they run on SQLite alone, since all of that twice would take minutes and show nothing more. The drawn faults run on both.
 */
export const ONE_ENGINE_FILES: readonly string[] = [
  "apps/server/src/web-app/web-app.test.ts",
  "apps/server/src/connections/outbound-addresses.test.ts",
  "apps/server/src/doctor/doctor.test.ts",
  "apps/server/src/forges/refusal.test.ts",
  "apps/server/src/http/stream-rights.test.ts",
  "apps/server/src/runners/runner-install.test.ts",
  "e2e/faults-harness/certificate.test.ts",
  "e2e/faults-harness/server-away.test.ts",
  "e2e/faults-harness/server-limits.test.ts",
  "e2e/dashboard.test.ts",
  "e2e/faults.test.ts",
  "e2e/runner-autoscaler.test.ts",
  "e2e/runner-container.test.ts",
  "e2e/runner-credential.test.ts",
  "e2e/runner-faults.test.ts",
  "e2e/runner-install.test.ts",
  "e2e/server-container.test.ts",
  "e2e/tracing.test.ts",
  "e2e/unsandboxed.test.ts",
];
/** Folders of which the same holds. */
export const ONE_ENGINE_FOLDERS: readonly string[] = [
  "e2e/web/",
  "e2e/hostile-model/",
  "e2e/queue-simulation/",
];
/** Files that are about PostgreSQL itself and run there alone. */
export const POSTGRES_FILES: readonly string[] = [
  "apps/server/src/db/migrate-live.test.ts",
  "apps/server/src/db/slow-database.test.ts",
  "apps/server/src/move/move-database.test.ts",
  "e2e/replicas/replicas.test.ts",
];
/** Folders whose tests never start a container: they run without an engine. */
const NO_ENGINE_FOLDERS = [
  ...["packages/base/", "packages/contract/", "packages/testing/", "scripts/", "bench/", "examples/"],
];

/** Every test file under `root`, sorted; those that `filters` name (a path, or the start or a part of one) when there are any. */
export function findTestFiles(root: string, filters: readonly string[]): string[] {
  const files = ["apps", "packages", "scripts", "bench", "e2e", "examples"].flatMap((top) => [
    ...new Glob(`${top}/**/*.test.{ts,tsx}`).scanSync({ cwd: root }),
  ]);
  const ours = files.filter((file) => !/node_modules\/|^e2e\/scenarios\/[^/]+\/repo\//.test(file)).sort();
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ""));
  return wanted.length === 0 ? ours : ours.filter((file) => wanted.some((filter) => file.includes(filter)));
}

/**
 * Files that touch no database once, the others once for each engine but for a few. The first go along with the group of
 * SQLite, which is nothing to them: each group more is one more end at which the machine waits for the last file. Empty groups are
 * left out.
 */
export function planTests(files: readonly string[], usesDatabase: (file: string) => boolean): TestGroup[] {
  const touchesDatabase = (file: string) =>
    DATABASE_FOLDERS.some((folder) => file.startsWith(folder)) && usesDatabase(file);
  const groups: TestGroup[] = [
    {
      title: "on SQLite, or without a database",
      files: files.filter((file) => !POSTGRES_FILES.includes(file)),
      database: "sqlite",
    },
    {
      title: "on PostgreSQL",
      files: files.filter((file) => touchesDatabase(file) && !isForOneEngine(file)),
      database: "postgres",
    },
  ];
  return groups.filter((group) => group.files.length > 0);
}

function isForOneEngine(file: string): boolean {
  return ONE_ENGINE_FILES.includes(file) || ONE_ENGINE_FOLDERS.some((folder) => file.startsWith(folder));
}

/** Whether a container engine has to be there before these tests start. */
export function needsEngine(files: readonly string[]): boolean {
  return files.some((file) => !NO_ENGINE_FOLDERS.some((folder) => file.startsWith(folder)));
}

/** True when a test drives a browser, which it does through `playwright-core` or the fixture that wraps it. */
export async function needsBrowser(root: string, files: readonly string[]): Promise<boolean> {
  for (const file of files) {
    const imports = scanImports(await Bun.file(`${root}/${file}`).text());
    if (imports.some(({ specifier }) => /^playwright-core$|\/(browser|web\.fixture)\.ts$/.test(specifier)))
      return true;
  }
  return false;
}
