import { parseArgs } from "node:util";
import { z } from "zod";
import { runEpisode } from "../e2e/faults-harness/episode.ts";

const USAGE = `npm run test:faults -- [--runs N] [--seed N] [--database sqlite|postgres]

Runs under faults: one server, two runner hosts behind links of ours; processes are killed and stopped, links cut, answers lost,
requests repeated. What others recorded is then held to the invariants.
  --runs      how many runs, in episodes of 20, each with an installation and a seed of its own. Default 20
  --seed      of the first episode; the others follow. Default: from the clock
  --image     in real containers of this agent image, such as windshift/agent:local; default: a scripted agent as plain processes
  --database  default sqlite; postgres wants WINDSHIFT_TEST_DATABASE_URL
Prints seeds, counts and violations. Exits 1 when there is one; the data of its episode is kept.`;

const RUNS_PER_EPISODE = 20;

const whole = z
  .string()
  .regex(/^\d{1,9}$/, "write a whole number")
  .transform(Number);
const Wanted = z.strictObject({
  runs: whole.pipe(z.number().min(1)).default(RUNS_PER_EPISODE),
  seed: whole.optional(),
  image: z.string().min(1).optional(),
  database: z.enum(["sqlite", "postgres"]).default("sqlite"),
});

const option = { type: "string" } as const;
const given = parseArgs({ options: { runs: option, seed: option, database: option, image: option } });
const wanted = Wanted.safeParse({ ...given.values });
if (wanted.success) process.exitCode = await testFaults(wanted.data);
else {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
// Sockets of what was killed may still be open.
process.exit();

async function testFaults({ runs, seed, database, image }: z.infer<typeof Wanted>): Promise<number> {
  const first = seed ?? Date.now() % 1_000_000;
  const env = { ...process.env, WINDSHIFT_TEST_DATABASE: database };
  const total = { episodes: 0, runs: 0, attempts: 0, faults: 0, violations: 0 };
  const endings: Record<string, number> = {};
  for (let done = 0; done < runs; done += RUNS_PER_EPISODE) {
    const count = Math.min(RUNS_PER_EPISODE, runs - done);
    const own = first + total.episodes;
    say(`seed ${own}: ${count} runs on ${database}`);
    const startedMs = performance.now();
    const end = await runEpisode({ seed: own, runs: count, env, image, log: say });
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    say(`  ${seconds} s, ${end.faults} faults, ${end.attempts} attempts, ${JSON.stringify(end.endings)}`);
    for (const failure of end.failures) say(`  failed ${failure}`);
    for (const violation of end.violations) say(`  VIOLATION ${violation}`);
    if (end.keptIn !== undefined) say(`  seed ${own} is kept in ${end.keptIn}`);
    total.episodes++;
    total.attempts += end.attempts;
    total.faults += end.faults;
    total.violations += end.violations.length;
    for (const [name, n] of Object.entries(end.endings)) {
      endings[name] = (endings[name] ?? 0) + n;
      total.runs += n;
    }
  }
  say(JSON.stringify({ database, seed: first, ...total, endings }));
  return total.violations === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
