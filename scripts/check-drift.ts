import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { generateDocs } from "./checks/generated-docs.ts";
import { missingFiles } from "./checks/named-files.ts";
import { readSourceTree } from "./checks/source-tree.ts";

/** Pages whose words name source files. */
const PAGES = ["README.md", "AGENTS.md", "docs/architecture.md", "docs/agent.md"];

/** Pages that no longer say what the code says, files they name that are gone, and limits without a reason. Only reads. */
export async function driftProblems(root: string): Promise<string[]> {
  const docs = await generateDocs(root);
  const stale = docs.flatMap(({ path, text, problems }) =>
    readFileSync(join(root, path), "utf8") === text
      ? problems
      : [...problems, `${path}: out of date; run \`npm run fix\``],
  );
  const files = readSourceTree(root);
  const missing = PAGES.flatMap((page) => missingFiles(page, readFileSync(join(root, page), "utf8"), files));
  return [...stale, ...missing];
}

if (import.meta.main) {
  const problems = await driftProblems(resolve(import.meta.dir, ".."));
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.exit(problems.length > 0 ? 1 : 0);
}
