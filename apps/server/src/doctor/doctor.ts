import { type Check, failed } from "@windshift/execution/check.ts";
import { type DoctorOptions, type Step, stepsOf } from "./doctor-steps.ts";

const WORDS = { ok: "ok", warn: "warn", failed: "FAIL" } as const satisfies Record<Check["state"], string>;

/**
 * Looks at each thing a run needs before a run does, and prints one line for each; where something is wrong, the next line
 * says what to do. What depends on a failed check is not looked at, and named at the end.
 * Run it as the user that the server runs as: it makes the data and worktree folders when they are missing.
 * @returns whether nothing failed
 */
export async function runDoctor(options: DoctorOptions, print: (line: string) => void): Promise<boolean> {
  const good = new Set<string>();
  const left: string[] = [];
  let healthy = true;
  for (const step of stepsOf(options)) {
    if (!step.needs.every((name) => good.has(name))) {
      left.push(step.name);
      continue;
    }
    const checks = await look(step);
    for (const check of checks) for (const line of linesOf(check)) print(line);
    if (checks.every((check) => check.state !== "failed")) good.add(step.name);
    else healthy = false;
  }
  if (left.length > 0) print(`not checked, for they need what failed: ${left.join(", ")}`);
  return healthy;
}

async function look(step: Step): Promise<Check[]> {
  try {
    return [await step.look()].flat();
  } catch (error) {
    return [failed(step.name, error instanceof Error ? error.message : String(error))];
  }
}

/** The first sentence is what was found, the others what to do. */
function linesOf({ name, state, detail }: Check): string[] {
  const head = `${WORDS[state].padEnd(4)} ${name}: `;
  const text = detail.replace(/\s+/g, " ");
  const end = text.indexOf(". ");
  if (state === "ok" || end === -1) return [head + text];
  return [head + text.slice(0, end), `     ${text.slice(end + 2)}`];
}
