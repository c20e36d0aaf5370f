import { expect, test } from "bun:test";
import { peakResidentMb, watchPeak } from "./peak-memory.ts";

test("the peak is read in units of a million bytes", () => {
  const status = "Name:\tagent\nVmPeak:\t 80000 kB\nVmHWM:\t   46876 kB\nVmRSS:\t   40000 kB\n";
  expect(peakResidentMb(status)).toBeCloseTo(48.0, 1);
});

test("a process that waits to be collected has no memory", () => {
  expect(peakResidentMb("Name:\tagent\nState:\tZ (zombie)\n")).toBeUndefined();
});

test("memory that a process gave back still counts, and that of its parent does not", async () => {
  const held = new Uint8Array(200e6).fill(1);
  const script = "const it = Buffer.alloc(60e6, 1); await Bun.sleep(100); if (it[5] !== 1) process.exit(1);";
  const child = Bun.spawn([process.execPath, "-e", script]);
  const peak = await watchPeak(child);
  expect(await child.exited).toBe(0);
  expect(peak).toBeGreaterThan(60);
  expect(peak).toBeLessThan(held.length / 1e6);
});
