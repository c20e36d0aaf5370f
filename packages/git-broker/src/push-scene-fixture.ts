import { afterAll, afterEach, beforeAll, beforeEach, expect } from "bun:test";
import { type BrokerFixture, forget, startBroker } from "./broker-fixture.ts";
import {
  type InspectedRun,
  type QuarantineChange,
  type QuarantineFixture,
  startQuarantine,
} from "./quarantine-fixture.ts";

/** First id of the runs of a file; any will do. */
const RUN_FIRST = 100;
/** A broker and its repository take a second, ms; a busy machine ten times as long. */
const HOOK_MS_MAX = 30_000;

/** What the tests of pushes stand on. For tests only. */
export interface PushScene {
  readonly broker: BrokerFixture;
  readonly quarantine: QuarantineFixture;
  /** A run of its own for each test; a test may put one with other limits in its place. */
  run: InspectedRun;
  /** Another run that may push. */
  grant(change?: QuarantineChange): Promise<InspectedRun>;
}

/** Sets up one broker for a test file and a run for each test, and holds each test to leaving no quarantine behind. */
export function usePushScene(): PushScene {
  const scene = {} as { -readonly [K in keyof PushScene]: PushScene[K] };
  let runs = RUN_FIRST;
  scene.grant = (change) => scene.quarantine.grant(runs++, change);
  beforeAll(async () => {
    scene.broker = await startBroker();
    scene.quarantine = await startQuarantine(scene.broker);
  }, HOOK_MS_MAX);
  afterAll(async () => {
    scene.quarantine.stop();
    await scene.broker.stop();
  });
  beforeEach(async () => {
    scene.run = await scene.grant();
    forget(scene.broker);
  }, HOOK_MS_MAX);
  afterEach(async () => {
    expect(await scene.quarantine.leftovers()).toEqual([]);
  });
  return scene;
}
