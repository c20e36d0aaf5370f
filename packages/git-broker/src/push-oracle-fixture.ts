import {
  FUZZ_REF,
  fuzzName,
  mutatedPush,
  type PushOracle,
  refsGitReads,
  seededRandom,
} from "./push-fuzz-fixture.ts";
import { PushGate } from "./push-gate.ts";

export interface FuzzOutcome {
  bodies: number;
  /** Bodies that the gate let through. */
  passed: number;
  /** Bodies given to real git, and those of them on which it named or moved a ref. */
  realRuns: number;
  realTouched: number;
  /** Bodies the gate refused, though git would have taken the granted ref from them: strict, not unsafe. */
  stricter: number;
  /** Latin-1 of the bodies by which git would touch a ref the gate did not see, or that the model of git reads otherwise. */
  counterExamples: string[];
}

/**
 * Holds the gate to git's own reading. A body that the gate refuses reaches no git, so what passes is what counts: all of it
 * goes through the model of git's reading, and each new command list of it to real git, as do refused bodies in between, which
 * hold the model to git.
 */
export async function fuzzPushGate(options: {
  seed: number;
  bodies: number;
  realMax: number;
  oracle: PushOracle;
}): Promise<FuzzOutcome> {
  const next = seededRandom(options.seed);
  const outcome: FuzzOutcome = {
    bodies: 0,
    passed: 0,
    realRuns: 0,
    realTouched: 0,
    stricter: 0,
    counterExamples: [],
  };
  const asked = new Set<string>();
  const sampleEvery = Math.max(1, Math.floor(options.bodies / (options.realMax / 2)));
  for (let round = 0; round < options.bodies; round++) {
    const bytes = mutatedPush(round, next);
    const gate = new PushGate(FUZZ_REF);
    const early = gate.push(bytes);
    const verdict = early ?? gate.end();
    outcome.bodies++;
    const read = refsGitReads(bytes);
    const passed = verdict.kind === "push";
    if (passed) {
      outcome.passed++;
      if (read === undefined || read.some((ref) => ref !== FUZZ_REF))
        outcome.counterExamples.push(bytes.toString("latin1"));
    } else if (read?.length === 1 && read[0] === FUZZ_REF) outcome.stricter++;
    const commands = passed ? bytes.subarray(0, gate.commandBytes) : bytes;
    const isNew = passed && !asked.has(commands.toString("latin1"));
    // Half of the real runs are kept for what the gate refused.
    const wanted = isNew ? asked.size < options.realMax / 2 : round % sampleEvery === 0;
    if (!wanted || outcome.realRuns === options.realMax) continue;
    asked.add(commands.toString("latin1"));
    outcome.realRuns++;
    const touched = await options.oracle.refsTouched(commands);
    if (touched.length > 0) outcome.realTouched++;
    const allowed = passed ? [FUZZ_REF] : (read ?? []);
    const isAllowed = (ref: string) => allowed.some((name) => isReported(fuzzName(name), ref));
    if (!touched.every(isAllowed)) outcome.counterExamples.push(bytes.toString("latin1"));
  }
  return outcome;
}

/** Whether git may call a ref of the name `name` `ref`: a report ends a name at a space or a line end, which a bad name may hold. */
function isReported(name: string, ref: string): boolean {
  return name === ref || name.startsWith(`${ref} `) || name.startsWith(`${ref}\n`);
}
