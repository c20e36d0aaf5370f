import { join, resolve } from "node:path";
import { generateDocs } from "./checks/generated-docs.ts";

/** Writes the parts of docs/ that are made from the code. `npm run check` says when they are out of date. */
const root = resolve(import.meta.dir, "..");
const docs = await generateDocs(root);
for (const doc of docs) await Bun.write(join(root, doc.path), doc.text);
const problems = docs.flatMap((doc) => doc.problems);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);
