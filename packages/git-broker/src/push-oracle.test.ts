import { afterAll, beforeAll, expect, test } from "bun:test";
import { pktLine } from "./pkt-line.ts";
import { FUZZ_OID, FUZZ_REF, PushOracle, refsGitReads } from "./push-fuzz-fixture.ts";
import { fuzzPushGate } from "./push-oracle-fixture.ts";

const oracle = new PushOracle();
beforeAll(() => oracle.open());
afterAll(() => oracle.close());

/** Bodies of a normal test run; `bun scripts/fuzz-push-gate.ts` takes more. */
const BODIES = 200_000;
const REAL_MAX = 150;

test(`GB-33 of ${BODIES} mutated pushes git would touch no ref that the gate did not see`, async () => {
  const outcome = await fuzzPushGate({ seed: 33, bodies: BODIES, realMax: REAL_MAX, oracle });
  expect(outcome.counterExamples).toEqual([]);
  // The mutations reach both sides of the gate, and real git was asked about each.
  expect(outcome.passed).toBeGreaterThan(100);
  expect(outcome.realRuns).toBeGreaterThan(REAL_MAX / 2);
  expect(outcome.realTouched).toBeGreaterThan(10);
}, 60_000);

test("GB-33 the oracle sees what git takes: a second ref, a ref in a certificate's place, lengths in capitals", async () => {
  const zero = "0".repeat(40);
  const two = Buffer.concat([
    pktLine(`${zero} ${FUZZ_OID} ${FUZZ_REF}\0report-status`),
    pktLine(`${zero} ${FUZZ_OID} refs/heads/main`),
    Buffer.from("0000"),
  ]);
  expect(await oracle.refsTouched(two)).toEqual([FUZZ_REF, "refs/heads/main"]);
  expect(refsGitReads(two)).toEqual([FUZZ_REF, "refs/heads/main"]);
  const line = pktLine(`${zero} ${FUZZ_OID} refs/heads/x\0report-status object-format=sha1`);
  const capitals = Buffer.concat([
    Buffer.from(line.subarray(0, 4)),
    Buffer.from(line.subarray(4)),
    Buffer.from("0001"),
  ]);
  capitals.write(capitals.toString("latin1", 0, 4).toUpperCase(), 0, "latin1");
  expect(await oracle.refsTouched(capitals)).toEqual(refsGitReads(capitals) ?? []);
});
