import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Glob } from "bun";
import { z } from "zod";
import { runWorld } from "../e2e/queue-simulation/world.ts";

const USAGE = `npm run test:simulation -- [--runs N] [--seed N] [--jobs N] [--log FILE]

The queue as the product has it, on SQLite in memory and a clock of ours, under faults that a seed draws: servers and hosts that are
killed, stopped, cut off, drained, revoked and started twice, requests that are lost, repeated and late, runs that are canceled.
  --runs   how many runs, in worlds of 2,000, each with a seed and a database of its own. Default 2,000
  --seed   of the first world; the others follow. Default: from the clock
  --jobs   so many processes, each with worlds of its own. Default 1
  --log    a JSON line for each world is added to this file; worlds that stand in it are counted and not run again
Progress goes to standard error; standard output is one JSON object. Exits 1 when a rule was broken.`;

const RUNS_PER_WORLD = 2_000;

const whole = z
  .string()
  .regex(/^\d{1,9}$/, "write a whole number")
  .transform(Number);
const Wanted = z.strictObject({
  runs: whole.pipe(z.number().min(1)).default(RUNS_PER_WORLD),
  seed: whole.optional(),
  jobs: whole.pipe(z.number().min(1).max(64)).default(1),
  log: z.string().min(1).optional(),
  /** A process of another one: runs these worlds, `seed:runs` each, and prints a line for each. */
  worlds: z
    .string()
    .regex(/^(\d+:\d+)(,\d+:\d+)*$/)
    .transform((text) => text.split(",").map((one) => World.parse(one.split(":").map(Number))))
    .optional(),
});
const World = z.tuple([z.int(), z.int()]).transform(([seed, asked]) => ({ seed, asked }));
type World = z.infer<typeof World>;

/** Which sources these are: SHA-256 of the server, the packages and the simulation. */
const CODE = sourcesHash();

const counts = z.record(z.string(), z.int());
/** A world that is over. */
const Done = z.object({
  seed: z.int(),
  /** What was simulated: worlds of other sources count for nothing. */
  code: z.string(),
  /** Runs that were asked for; it may have become a few more. */
  asked: z.int(),
  violations: z.array(z.string()),
  runs: z.int(),
  attempts: z.int(),
  effects: z.int(),
  requests: z.int(),
  tokensTried: z.int(),
  virtualHours: z.int(),
  endings: counts,
  faults: counts,
  digest: z.string(),
  /** Of a processor, ms. */
  cpuMs: z.int(),
});
type Done = z.infer<typeof Done>;

const option = { type: "string" } as const;
const options = { runs: option, seed: option, jobs: option, log: option, worlds: option };
const wanted = Wanted.safeParse({ ...parseArgs({ options }).values });
if (wanted.success) process.exitCode = await simulate(wanted.data);
else {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}

async function simulate({ runs, seed, jobs, log, worlds }: z.infer<typeof Wanted>): Promise<number> {
  if (worlds !== undefined) {
    for (const world of worlds) process.stdout.write(`${JSON.stringify(await simulateWorld(world))}\n`);
    return 0;
  }
  const first = seed ?? Date.now() % 1_000_000;
  const asked = Array.from({ length: Math.ceil(runs / RUNS_PER_WORLD) }, (_, at) => ({
    seed: first + at,
    asked: Math.min(RUNS_PER_WORLD, runs - at * RUNS_PER_WORLD),
  }));
  const startedMs = performance.now();
  const done = readLog(log, asked);
  const left = asked.filter((world) => !done.some((one) => one.seed === world.seed));
  const end = (world: Done) => {
    done.push(world);
    if (log !== undefined) appendFileSync(log, `\n${JSON.stringify(world)}\n`);
    const { seed, digest, cpuMs, violations } = world;
    const sum = done.reduce((total, one) => total + one.runs, 0);
    const progress = { worlds: done.length, of: asked.length, runs: sum, seed, digest, cpuMs, violations };
    process.stderr.write(`${JSON.stringify(progress)}\n`);
  };
  if (jobs === 1) for (const world of left) end(await simulateWorld(world));
  else
    await Promise.all(
      Array.from({ length: jobs }, (_, job) =>
        inProcess(
          left.filter((_, at) => at % jobs === job),
          end,
        ),
      ),
    );
  const report = {
    seed: first,
    ...sumOf(done),
    seconds: Math.round((performance.now() - startedMs) / 1_000),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return report.violations.length === 0 ? 0 : 1;
}

function sourcesHash(): string {
  const root = resolve(import.meta.dir, "..");
  const hash = new Bun.CryptoHasher("sha256");
  const places = ["apps/server/src", "packages/*/src", "e2e/queue-simulation"];
  const files = places.flatMap((place) => [...new Glob(`${place}/**/*.ts`).scanSync(root)]);
  if (files.length === 0) throw new Error(`there are no sources in ${root}`);
  for (const file of files.sort()) hash.update(`${file}\0${readFileSync(join(root, file), "utf8")}\0`);
  return hash.digest("hex").slice(0, 16);
}

async function simulateWorld({ seed, asked }: World): Promise<Done> {
  const before = process.cpuUsage();
  const end = await runWorld({ seed, runs: asked });
  const { user, system } = process.cpuUsage(before);
  const violations = [...end.violations, ...end.fullReads.map((read) => `reads all runs: ${read}`)];
  return { ...end, violations, code: CODE, asked, cpuMs: Math.round((user + system) / 1_000) };
}

/** One process more, with these worlds one after the other. */
async function inProcess(worlds: readonly World[], onEnd: (world: Done) => void): Promise<void> {
  if (worlds.length === 0) return;
  const list = worlds.map(({ seed, asked }) => `${seed}:${asked}`).join();
  const child = Bun.spawn([process.execPath, import.meta.path, "--worlds", list], { stderr: "inherit" });
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onEnd(Done.parse(JSON.parse(line)));
  }
  const code = await child.exited;
  if (code !== 0) throw new Error(`a process of the simulation ended with code ${code}`);
}

/** Of these worlds those of the same sources that an earlier start has written down. A line that was cut off counts for nothing. */
function readLog(log: string | undefined, worlds: readonly World[]): Done[] {
  if (log === undefined || !existsSync(log)) return [];
  const known = readFileSync(log, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [Done.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
  return worlds.flatMap(({ seed, asked }) => {
    const found = known.find((one) => one.seed === seed && one.asked === asked && one.code === CODE);
    return found === undefined ? [] : [found];
  });
}

function sumOf(worlds: readonly Done[]) {
  const total = { worlds: worlds.length, runs: 0, attempts: 0, effects: 0, requests: 0 };
  const further = { tokensTried: 0, virtualHours: 0, cpuMs: 0 };
  const sums = { ...total, ...further };
  const endings: Record<string, number> = {};
  const faults: Record<string, number> = {};
  const names = ["runs", "attempts", "effects", "requests", "tokensTried", "virtualHours", "cpuMs"] as const;
  for (const world of worlds) {
    for (const name of names) sums[name] += world[name];
    addAll(endings, world.endings);
    addAll(faults, world.faults);
  }
  const violations = worlds.flatMap(({ seed, violations }) =>
    violations.map((one) => `seed ${seed}: ${one}`),
  );
  const cpuMsPerRun = Math.round((100 * sums.cpuMs) / Math.max(1, sums.runs)) / 100;
  return { ...sums, cpuMsPerRun, violations, endings, faults };
}

function addAll(sums: Record<string, number>, counts: Record<string, number>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}
