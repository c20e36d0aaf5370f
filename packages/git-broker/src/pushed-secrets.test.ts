import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { createToken } from "@windshift/contract/tokens.ts";
import { type BrokerFixture, forget, mustGit, refOf, startBroker } from "./broker-fixture.ts";
import { type InspectedRun, type QuarantineFixture, startQuarantine } from "./quarantine-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

let broker: BrokerFixture;
let quarantine: QuarantineFixture;
let run: InspectedRun;
let runs = 100;
const next = () => runs++;

beforeAll(async () => {
  broker = await startBroker();
  quarantine = await startQuarantine(broker);
}, 30_000);
afterAll(async () => {
  quarantine.stop();
  await broker.stop();
});
beforeEach(async () => {
  run = await quarantine.grant(next());
  forget(broker);
}, 30_000);
afterEach(async () => {
  expect(await quarantine.leftovers()).toEqual([]);
});

/** Shaped like a real one and made up here, so that no scanner of this repository takes it for one that leaked. */
const canary = () => `ghp_${"A1b2C3d4E5f6G7h8".repeat(3).slice(0, 36)}`;

for (const kind of ["run", "runner", "registration", "person"] as const)
  test(`GB-31 a token of the kind ${kind} is refused with its path, wherever it stands`, async () => {
    run = await quarantine.grant(next(), { policy: { secrets: "flag" } });
    const token = createToken(kind);
    await run.commit({ "notes/log.txt": `the token is ${token}\n` });
    await expectRefused(broker, run, `HEAD:${run.ref}`, "notes/log.txt holds a token of Windshift");
    const places: [Record<string, string | Uint8Array>, string][] = [
      [{ "wide.txt": Buffer.from(`\ufeff${token}`, "utf16le") }, "a change"],
      [{ "wide.txt": Buffer.from(`\ufeff${token}`, "utf16le").swap16() }, "a change"],
      [{ "big.bin": Buffer.concat([Buffer.alloc(3_000_000), Buffer.from(token)]) }, "a change"],
      [{ [`x${token}.txt`]: "x\n" }, "a change"],
      [{ "a.txt": "x\n" }, `tell ${token}`],
    ];
    for (const [files, message] of places) {
      forget(broker);
      await run.git("reset", "-q", "--hard", "origin/main");
      await run.commit(files, message);
      const result = await run.push(`HEAD:${run.ref}`);
      expect(result.stderr).toContain("holds a token of Windshift");
      expect(JSON.stringify([result, broker.refusals])).not.toContain(token);
      expect(await refOf(broker, run.ref)).toBeUndefined();
    }
  });

test("GB-31 a planted credential is refused with path and line and without its value, or flagged", async () => {
  await run.commit({ "src/config.ts": `// a comment\nexport const key = "${canary()}";\n` });
  await expectRefused(
    broker,
    run,
    `HEAD:${run.ref}`,
    "src/config.ts seems to hold a credential (line 2 looks like a GitHub token)",
  );
  expect(JSON.stringify(broker.refusals)).not.toContain(canary());
  run = await quarantine.grant(next(), { policy: { secrets: "flag" } });
  await run.commit({ "src/config.ts": `/* secretlint-disable */ export const key = "${canary()}";\n` });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(broker.findings).toEqual([expect.objectContaining({ kind: "secret", path: "src/config.ts" })]);
});

test("GB-31 a credential that the base had already is no finding, one beside it is", async () => {
  const flag = await quarantine.grant(next(), { policy: { secrets: "flag" } });
  const one = `a = "${canary()}"\n`;
  await flag.commit({ "old.ts": one });
  await flag.push(`HEAD:${flag.ref}`);
  await mustGit(broker, broker.repository, "update-ref", "refs/heads/main", flag.ref);
  run = await quarantine.grant(next());
  forget(broker);
  await run.commit({ "old.ts": `${one}b = 1\n` });
  expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  await run.commit({ "old.ts": `${one}b = "${canary().replace("A1", "Z9")}"\n` });
  forget(broker);
  await expectRefused(broker, run, `HEAD:${run.ref}`, "old.ts seems to hold a credential");
});
