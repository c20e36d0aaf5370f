import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { generateDocs } from "./checks/generated-docs.ts";

/** Pages that no longer say what the code says, and limits without a reason. Only reads. */
export async function driftProblems(root: string): Promise<string[]> {
  const docs = await generateDocs(root);
  return docs.flatMap(({ path, text, problems }) =>
    readFileSync(join(root, path), "utf8") === text
      ? problems
      : [...problems, `${path}: out of date; run \`npm run fix\``],
  );
}

if (import.meta.main) {
  const problems = await driftProblems(resolve(import.meta.dir, ".."));
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.exit(problems.length > 0 ? 1 : 0);
}
