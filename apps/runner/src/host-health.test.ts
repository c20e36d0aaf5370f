import { beforeEach, expect, test } from "bun:test";
import { HostHealth, type HostLoad } from "./host-health.ts";

let nowMs: number;
let load: HostLoad;
let health: HostHealth;
beforeEach(() => {
  nowMs = 1_000_000;
  load = { held: 0, capacity: 2, draining: false };
  health = new HostHealth({
    pollIntervalMs: 2_000,
    heartbeatMs: 30_000,
    load: () => load,
    nowMs: () => nowMs,
  });
});

test("a host whose claims come to an end is well, whether or not they bring a job", () => {
  for (let i = 0; i < 20; i++) {
    nowMs += 40_000;
    expect(health.problem()).toBeUndefined();
    health.claimDue();
  }
});

test("a host with a free place whose claim never ends is stuck", () => {
  nowMs += 116_000;
  expect(health.problem()).toBeUndefined();
  nowMs += 2_000;
  expect(health.problem()).toBe("no claim has ended for 118 s");
  health.claimDue();
  expect(health.problem()).toBeUndefined();
});

test("a full or draining host need not claim", () => {
  nowMs += 3_600_000;
  load = { held: 2, capacity: 2, draining: false };
  health.heartbeatDue();
  expect(health.problem()).toBeUndefined();
  load = { held: 0, capacity: 2, draining: true };
  expect(health.problem()).toBeUndefined();
});

test("a host that works and whose heartbeats stand still is stuck, also while claims go on", () => {
  load = { held: 1, capacity: 2, draining: false };
  nowMs += 121_000;
  health.claimDue();
  expect(health.problem()).toBe("no heartbeat has ended for 121 s");
  health.heartbeatDue();
  expect(health.problem()).toBeUndefined();
});
