import { PushOracle } from "../packages/git-broker/src/push-fuzz-fixture.ts";
import { fuzzPushGate } from "../packages/git-broker/src/push-oracle-fixture.ts";

/** `bun scripts/fuzz-push-gate.ts [bodies] [seed] [real runs]`: GB-33 for as long as one likes. Exits 1 on a counter-example. */
const [bodies = "10000000", seed = String(Date.now() % 1_000_000), realMax = "2000"] = process.argv.slice(2);
const oracle = new PushOracle();
try {
  await oracle.open();
  process.stdout.write(
    `seed ${seed}, ${bodies} bodies, at most ${realMax} of them through git receive-pack\n`,
  );
  const outcome = await fuzzPushGate({
    seed: Number(seed),
    bodies: Number(bodies),
    realMax: Number(realMax),
    oracle,
  });
  process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
  process.exitCode = outcome.counterExamples.length > 0 ? 1 : 0;
} finally {
  oracle.close();
}
