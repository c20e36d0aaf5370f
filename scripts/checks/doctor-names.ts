import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the names of checks stand: the steps of each doctor. */
const STEPS = {
  server: "apps/server/src/doctor/doctor-steps.ts",
  runner: "apps/runner/src/doctor/doctor-steps.ts",
} as const;

/**
 * Checks that a page says a doctor makes (``server: `engine`, `image` ``) and that it does not, one sentence each.
 * @param page relative to the root
 */
export function unknownDoctorChecks(root: string, page: string): string[] {
  const known = {
    server: checksOf(root, STEPS.server),
    runner: checksOf(root, STEPS.runner),
  };
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  return lines.flatMap((line, at) =>
    [...line.matchAll(/\b(server|runner): ((?:`[^`]+`(?:, )?)+)/g)].flatMap(([, doctor, names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name = ""]) => {
        const program = doctor === "server" ? "server" : "runner";
        return known[program].has(name)
          ? []
          : [`${page}:${at + 1}: the doctor of the ${program} has no check "${name}"`];
      }),
    ),
  );
}

function checksOf(root: string, file: string): Set<string> {
  const source = readFileSync(join(root, file), "utf8");
  return new Set([...source.matchAll(/\bname: "([^"]+)"/g)].map(([, name = ""]) => name));
}
