import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Threats, faults and invariants by their ids: how many each kind has, and numbers that were never given. */
const KINDS: Record<string, { last: number; digits: number; without?: readonly number[] }> = {
  "GB-": { last: 34, digits: 2 },
  "HG-": { last: 19, digits: 2 },
  "SB-": { last: 28, digits: 2 },
  "RT-": { last: 19, digits: 2, without: [5] },
  "LB-": { last: 21, digits: 2 },
  "WB-": { last: 26, digits: 2, without: [19] },
  "PI-": { last: 12, digits: 2 },
  "CL-": { last: 4, digits: 2 },
  "SO-": { last: 5, digits: 2 },
  F: { last: 48, digits: 2 },
  I: { last: 17, digits: 1 },
};

/** Every id that may stand in the page, kind by kind, in order. */
export function knownIds(): string[] {
  return Object.entries(KINDS).flatMap(([prefix, { last, digits, without = [] }]) =>
    Array.from({ length: last }, (_, at) => at + 1)
      .filter((number) => !without.includes(number))
      .map((number) => prefix + String(number).padStart(digits, "0")),
  );
}

/**
 * What is wrong with the table of docs/security.md: an id that is missing or there twice, a file that is gone, or files of which none
 * names the id that they are said to test.
 */
export function securityPageProblems(root: string, page: string): string[] {
  const rows = [...page.matchAll(/^\| ([A-Z]+-?\d+) \| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, id = "", tested = ""]) => ({ id, tested }),
  );
  const problems = knownIds().flatMap((id) => {
    const count = rows.filter((row) => row.id === id).length;
    return count === 1 ? [] : [`${id} stands in the table ${count} times`];
  });
  for (const { id, tested } of rows) {
    if (tested === "open" || tested.startsWith("does not apply: ")) continue;
    const files = [...tested.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
    if (files.length === 0) problems.push(`${id}: write open, or the files that test it`);
    const gone = files.filter((file) => !existsSync(join(root, file)));
    for (const file of gone) problems.push(`${id}: there is no file ${file}`);
    const inPart = tested.startsWith("in part: ") || files.length === gone.length;
    if (!inPart && !files.some((file) => namesId(join(root, file), id)))
      problems.push(`${id}: no test of ${files.join(", ")} names it`);
  }
  return problems;
}

function namesId(path: string, id: string): boolean {
  return existsSync(path) && new RegExp(`\\b${id}\\b`).test(readFileSync(path, "utf8"));
}
