import { type Check, failed } from "./check.ts";

/** One thing to look at; `needs` names what must not have failed before. */
export interface CheckStep {
  name: string;
  needs: readonly string[];
  look: () => Check | Check[] | Promise<Check | Check[]>;
}

/** What a doctor found. `left`: steps that were not taken, for they need what failed. */
export interface CheckReport {
  healthy: boolean;
  checks: Check[];
  left: string[];
}

/** Takes the steps in their order, telling each check as it is made. A step that throws is a failed check. */
export async function takeSteps(
  steps: readonly CheckStep[],
  tell: (check: Check) => void,
): Promise<CheckReport> {
  const good = new Set<string>();
  const report: CheckReport = { healthy: true, checks: [], left: [] };
  for (const step of steps) {
    if (!step.needs.every((name) => good.has(name))) {
      report.left.push(step.name);
      continue;
    }
    const checks = await look(step);
    for (const check of checks) tell(check);
    report.checks.push(...checks);
    if (checks.every((check) => check.state !== "failed")) good.add(step.name);
    else report.healthy = false;
  }
  return report;
}

/** As `takeSteps`, printed: one line a check, and where something is wrong a second one that says what to do. */
export async function printSteps(
  steps: readonly CheckStep[],
  print: (line: string) => void,
): Promise<CheckReport> {
  const report = await takeSteps(steps, (check) => {
    for (const line of linesOf(check)) print(line);
  });
  if (report.left.length > 0) print(`not checked, for they need what failed: ${report.left.join(", ")}`);
  return report;
}

const WORDS = { ok: "ok", warn: "warn", failed: "FAIL" } as const satisfies Record<Check["state"], string>;

/** The first sentence is what was found, the others what to do. */
export function linesOf({ name, state, detail }: Check): string[] {
  const head = `${WORDS[state].padEnd(4)} ${name}: `;
  const text = detail.replace(/\s+/g, " ");
  const end = text.indexOf(". ");
  if (state === "ok" || end === -1) return [head + text];
  return [head + text.slice(0, end), `     ${text.slice(end + 2)}`];
}

async function look(step: CheckStep): Promise<Check[]> {
  try {
    return [await step.look()].flat();
  } catch (error) {
    return [failed(step.name, error instanceof Error ? error.message : String(error))];
  }
}
