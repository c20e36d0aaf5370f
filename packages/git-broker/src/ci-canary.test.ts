import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { forget, refOf } from "./broker-fixture.ts";
import { type CiForge, startCiForge } from "./ci-forge-fixture.ts";
import {
  type InspectedRun,
  type QuarantineChange,
  type QuarantineFixture,
  startQuarantine,
} from "./quarantine-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

const SECRET = "ci-canary-5b1f0c2e";
/** Each test is some git calls. */
const TEST_MS_MAX = 60_000;

let ci: CiForge;
let quarantine: QuarantineFixture;
let runs = 500;
beforeAll(async () => {
  ci = await startCiForge(SECRET);
  quarantine = await startQuarantine(ci.forge.broker);
}, TEST_MS_MAX);
afterAll(async () => {
  quarantine.stop();
  await ci.forge.stop();
});

const grant = (change: QuarantineChange = {}): Promise<InspectedRun> =>
  quarantine.grant(runs++, { upstream: ci.forge.upstream(), ...change });

const PATHS = [
  ".github/workflows/ci.yml",
  ".GitHub/Workflows/ci.yml",
  ".gitea/workflows/ci.yml",
  ".forgejo/workflows/ci.yaml",
  ".woodpecker.yml",
  ".woodpecker/ci.yml",
  ".gitlab-ci.yml",
];

test(
  "GB-30 the secret of a forge's CI never leaves, whichever workflow a run pushes",
  async () => {
    const { broker } = ci.forge;
    for (const path of PATHS) {
      forget(broker);
      const run = await grant();
      await run.commit({ [path]: ci.workflow, "src/a.ts": "export const a = 1;\n" });
      await expectRefused(broker, run, `HEAD:${run.ref}`, `${path} tells the CI what to run`);
    }
    expect(await ci.looks()).toBe(0);
    expect(await ci.leaked()).toBe("");
  },
  TEST_MS_MAX,
);

test(
  "GB-30 the CI looks at an honest push and finds nothing to run",
  async () => {
    const run = await grant();
    const head = await run.commit({ "src/b.ts": ci.workflow });
    expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
    expect(await refOf(ci.forge.broker, run.ref)).toBe(head);
    await eventually("the CI has looked", async () => (await ci.looks()) === 1);
    expect(await ci.leaked()).toBe("");
  },
  TEST_MS_MAX,
);

test(
  "GB-30 without the refusal the secret leaves, so the trap is a real one",
  async () => {
    const run = await grant({ policy: { ci_files: "flag" } });
    await run.commit({ ".github/workflows/ci.yml": ci.workflow });
    expect((await run.push(`HEAD:${run.ref}`)).exitCode).toBe(0);
    await eventually("the CI has run it", async () => (await ci.leaked()) === SECRET);
  },
  TEST_MS_MAX,
);
