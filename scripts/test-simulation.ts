import { parseArgs } from "node:util";
import { z } from "zod";
import { runWorld } from "../e2e/queue-simulation/world.ts";

const USAGE = `npm run test:simulation -- [--runs N] [--seed N]

The queue as the product has it, on SQLite in memory and a clock of ours, under faults that a seed draws: servers and hosts that are
killed, stopped, cut off, drained, revoked and started twice, requests that are lost, repeated and late, runs that are canceled.
  --runs   how many runs, in worlds of 2,000, each with a seed of its own. Default 2,000
  --seed   of the first world; the others follow. Default: from the clock
Progress goes to standard error; standard output is one JSON object. Exits 1 when a rule was broken.`;

const RUNS_PER_WORLD = 2_000;

const whole = z
  .string()
  .regex(/^\d{1,9}$/, "write a whole number")
  .transform(Number);
const Wanted = z.strictObject({
  runs: whole.pipe(z.number().min(1)).default(RUNS_PER_WORLD),
  seed: whole.optional(),
});

const option = { type: "string" } as const;
const wanted = Wanted.safeParse({ ...parseArgs({ options: { runs: option, seed: option } }).values });
if (wanted.success) process.exitCode = await simulate(wanted.data);
else {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}

async function simulate({ runs, seed }: z.infer<typeof Wanted>): Promise<number> {
  const first = seed ?? Date.now() % 1_000_000;
  const total = { worlds: 0, runs: 0, attempts: 0, effects: 0, requests: 0, tokensTried: 0, virtualHours: 0 };
  const endings: Record<string, number> = {};
  const faults: Record<string, number> = {};
  const violations: string[] = [];
  const startedMs = performance.now();
  while (total.runs < runs) {
    const own = first + total.worlds;
    const end = await runWorld({ seed: own, runs: Math.min(RUNS_PER_WORLD, runs - total.runs) });
    total.worlds++;
    for (const name of ["runs", "attempts", "effects", "requests", "tokensTried", "virtualHours"] as const)
      total[name] += end[name];
    addAll(endings, end.endings);
    addAll(faults, end.faults);
    violations.push(...end.violations.map((violation) => `seed ${own}: ${violation}`));
    process.stderr.write(`seed ${own}: ${JSON.stringify(end)}\n`);
  }
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  const report = { seed: first, ...total, seconds, violations, endings, faults };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return violations.length === 0 ? 0 : 1;
}

function addAll(sums: Record<string, number>, counts: Record<string, number>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}
