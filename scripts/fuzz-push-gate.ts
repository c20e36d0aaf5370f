import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { PushOracle } from "../packages/git-broker/src/push-fuzz-fixture.ts";
import { type FuzzOutcome, fuzzPushGate } from "../packages/git-broker/src/push-oracle-fixture.ts";

const USAGE = `bun scripts/fuzz-push-gate.ts [--seed N] [--bodies N] [--real N] [--seconds N] [--state FILE]

GB-33 for as long as one likes: mutated pushes, the gate's reading of each held to git's own.
  --seed     same seed, same bodies. Default: from the clock
  --bodies   how many in all. Default 10000000
  --real     how many of each 100,000 go through a real git receive-pack. Default 200
  --seconds  stop in good order after this long
  --state    written after every 100,000 bodies; when it exists, the run in it goes on
Prints seed and counts. Exits 1 on a counter-example, 3 when it stopped before the end.`;

/** Bodies between two writings of the state. Each block has a seed of its own, so that it can be made without those before it. */
const BLOCK_BODIES = 100_000;
/** Any odd number far from 1 keeps the seeds of blocks apart. */
const SEED_STEP = 0x9e3779b1;

const Count = z.int().min(0);
const State = z.strictObject({
  seed: Count,
  bodies: Count,
  passed: Count,
  realRuns: Count,
  realTouched: Count,
  stricter: Count,
  counterExamples: z.array(z.string()),
});
type State = z.infer<typeof State>;
const Wanted = z.strictObject({
  seed: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .optional(),
  bodies: z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .default(10_000_000),
  real: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .default(200),
  seconds: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .optional(),
  state: z.string().optional(),
});

const option = { type: "string" } as const;
const given = parseArgs({
  options: { seed: option, bodies: option, real: option, seconds: option, state: option },
});
const wanted = Wanted.safeParse({ ...given.values });
if (wanted.success) process.exitCode = await fuzz(wanted.data);
else {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}

async function fuzz({ seed, bodies, real, seconds, state: file }: z.infer<typeof Wanted>): Promise<number> {
  const endMs = seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1_000;
  let state = await startOf(seed, file);
  const oracle = new PushOracle();
  process.stdout.write(`seed ${state.seed}, from body ${state.bodies} to ${bodies}\n`);
  try {
    await oracle.open();
    while (state.bodies < bodies && performance.now() < endMs) {
      const block = state.bodies / BLOCK_BODIES;
      const outcome = await fuzzPushGate({
        seed: (state.seed + Math.imul(block, SEED_STEP)) >>> 0,
        bodies: BLOCK_BODIES,
        realMax: real,
        oracle,
      });
      state = sum(state, outcome);
      await write(file, state);
      if (block % 10 === 9 || state.counterExamples.length > 0) process.stdout.write(`${line(state)}\n`);
    }
  } finally {
    oracle.close();
  }
  process.stdout.write(`${line(state)}\n`);
  for (const body of state.counterExamples) process.stdout.write(`counter-example ${JSON.stringify(body)}\n`);
  if (state.counterExamples.length > 0) return 1;
  return state.bodies < bodies ? 3 : 0;
}

/** A state that is there goes on; another seed than its own is a mistake. */
async function startOf(seed: number | undefined, file: string | undefined): Promise<State> {
  const none = { bodies: 0, passed: 0, realRuns: 0, realTouched: 0, stricter: 0, counterExamples: [] };
  if (file === undefined || !existsSync(file)) return { seed: seed ?? Date.now() % 1_000_000, ...none };
  const state = State.parse(await Bun.file(file).json());
  if (seed !== undefined && seed !== state.seed)
    throw new Error(`${file} holds a run with seed ${state.seed}, not ${seed}; give another file`);
  return state;
}

function sum(state: State, outcome: FuzzOutcome): State {
  return {
    seed: state.seed,
    bodies: state.bodies + outcome.bodies,
    passed: state.passed + outcome.passed,
    realRuns: state.realRuns + outcome.realRuns,
    realTouched: state.realTouched + outcome.realTouched,
    stricter: state.stricter + outcome.stricter,
    counterExamples: [...state.counterExamples, ...outcome.counterExamples],
  };
}

async function write(file: string | undefined, state: State): Promise<void> {
  if (file === undefined) return;
  await Bun.write(`${file}.new`, `${JSON.stringify(state)}\n`);
  await rename(`${file}.new`, file);
}

function line({ counterExamples, ...counts }: State): string {
  return JSON.stringify({ ...counts, counterExamples: counterExamples.length });
}
