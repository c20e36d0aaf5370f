import { expect, test } from "bun:test";
import { LEASE_MS, SWEEP_INTERVAL_MS } from "@windshift/contract/limits.ts";
import { GraceTime, SILENT_MS } from "./grace-time.ts";

/** Looks one after the other. */
class Looks {
  readonly grace = new GraceTime(0);
  nowMs = 0;

  /** For so long in time, each answered or not; until the grace is over. */
  for(ms: number, isAnswered: boolean): this {
    for (let passed = 0; passed < ms && !this.grace.isOver; passed += SWEEP_INTERVAL_MS)
      this.look(SWEEP_INTERVAL_MS, isAnswered);
    return this;
  }

  look(afterMs: number, isAnswered: boolean): this {
    this.nowMs += afterMs;
    this.grace.look(this.nowMs, isAnswered);
    return this;
  }

  get isOver(): boolean {
    return this.grace.isOver;
  }
}

const ALMOST_MS = LEASE_MS - SWEEP_INTERVAL_MS;

test("F10 runners get one lease from when the database answers again, however long it was away", () => {
  for (const awayMs of [LEASE_MS, 2 * LEASE_MS, 2 * LEASE_MS + SILENT_MS, 10 * LEASE_MS]) {
    const looks = new Looks().for(awayMs, false);
    expect(looks.for(ALMOST_MS, true).isOver).toBe(false);
    expect(looks.look(SWEEP_INTERVAL_MS, true).isOver).toBe(true);
  }
});

test("F10 a database that goes away again meanwhile begins it anew", () => {
  const looks = new Looks();
  for (let n = 0; n < 5; n++)
    expect(looks.for(ALMOST_MS, true).look(SWEEP_INTERVAL_MS, false).isOver).toBe(false);
  expect(looks.for(LEASE_MS, true).isOver).toBe(true);
});

test("F21 a server that stands still while it waits waits for a lease anew", () => {
  const looks = new Looks().for(ALMOST_MS, true).look(3 * LEASE_MS, true);
  expect(looks.for(ALMOST_MS, true).isOver).toBe(false);
  expect(looks.look(SWEEP_INTERVAL_MS, true).isOver).toBe(true);
});

test("F13 one that stands still again and again looks for lapsed leases all the same, a heartbeat after the last time", () => {
  const looks = new Looks();
  let stalls = 0;
  while (!looks.isOver && stalls < 100) {
    stalls++;
    looks.look(SILENT_MS + 1, true);
    expect(looks.isOver).toBe(false);
    looks.for(LEASE_MS / 2, true);
  }
  expect(looks.isOver).toBe(true);
  expect(stalls).toBeGreaterThan(3);
});
