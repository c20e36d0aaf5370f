import { expect } from "bun:test";
import { type BrokerFixture, refOf } from "./broker-fixture.ts";
import type { InspectedRun } from "./quarantine-fixture.ts";

/** Pushes, and expects that git shows these sentences and that nothing has moved. */
export async function expectRefused(
  broker: BrokerFixture,
  run: InspectedRun,
  refspec: string,
  ...sentences: string[]
): Promise<void> {
  const before = await refOf(broker, run.ref);
  const result = await run.push(refspec);
  expect(result.exitCode).not.toBe(0);
  for (const sentence of sentences) expect(result.stderr).toContain(`remote: ${sentence}`);
  expect(result.stdout).toContain("[remote rejected] (refused by Windshift)");
  expect(await refOf(broker, run.ref)).toBe(before as string);
  expect(broker.pushed).toEqual([]);
  expect(broker.refusals).toHaveLength(1);
}
