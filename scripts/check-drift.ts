import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";
import { deadLinks } from "./checks/doc-links.ts";
import { unknownDoctorChecks } from "./checks/doctor-names.ts";
import { faultTableProblems } from "./checks/fault-table.ts";
import { generateDocs } from "./checks/generated-docs.ts";
import { longFiles, undocumentedExports } from "./checks/house-rules.ts";
import { missingFiles } from "./checks/named-files.ts";
import { readSourceTree, readStylesAndScripts } from "./checks/source-tree.ts";

/** Pages whose words name source files. */
const PAGES = ["README.md", "AGENTS.md", "docs/architecture.md", "docs/agent.md"];

/** Where each fault and each invariant is shown. */
const FAULT_PAGE = "docs/reliability.md";

/**
 * Pages that no longer say what the code says, files, links and checks they name that are gone, limits without a reason, exports
 * without a docstring and files that are too long, one sentence each. Only reads.
 */
export async function driftProblems(root: string): Promise<string[]> {
  const docs = await generateDocs(root);
  const stale = docs.flatMap(({ path, text, problems }) =>
    readFileSync(join(root, path), "utf8") === text
      ? problems
      : [...problems, `${path}: out of date; run \`npm run fix\``],
  );
  const files = readSourceTree(root);
  const missing = PAGES.flatMap((page) => missingFiles(page, readFileSync(join(root, page), "utf8"), files));
  const pages = [
    "README.md",
    "AGENTS.md",
    "CHANGELOG.md",
    ...new Glob("docs/**/*.md").scanSync({ cwd: root }),
  ];
  const links = pages.toSorted().flatMap((page) => deadLinks(root, page));
  const faults = faultTableProblems(FAULT_PAGE, readFileSync(join(root, FAULT_PAGE), "utf8"), files);
  const checks = unknownDoctorChecks(root, "docs/troubleshooting.md");
  const rules = [...longFiles([...files, ...readStylesAndScripts(root)]), ...undocumentedExports(files)];
  return [...stale, ...missing, ...links, ...checks, ...faults, ...rules];
}

if (import.meta.main) {
  const problems = await driftProblems(resolve(import.meta.dir, ".."));
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.exit(problems.length > 0 ? 1 : 0);
}
