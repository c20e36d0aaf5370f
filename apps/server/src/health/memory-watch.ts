import { systemClock } from "@windshift/base/clock.ts";
import type { Log } from "../http/log.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { MemoryGate } from "./memory-gate.ts";
import { readMemory } from "./memory-reading.ts";

/** Time between two looks, ms: a few files of the kernel are read, and memory does not run out faster at what a server reads from the network. */
const LOOK_MS = 500;

/** The gate of this process. */
export function createMemoryGate(log: Log, metrics: ServerMetrics): MemoryGate {
  return new MemoryGate({ read: readMemory, collect: () => Bun.gc(true), log, metrics });
}

/** Looks at the memory until the returned function is called. */
export function watchMemory(gate: MemoryGate): () => void {
  gate.look();
  const timer = setInterval(() => gate.look(), LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Resolves once there is memory for another run, or `signal` aborts: what waits in the queue costs nothing. */
export async function memoryCalm(gate: MemoryGate, signal: AbortSignal): Promise<void> {
  while (gate.isShort && !signal.aborted) await systemClock.sleep(LOOK_MS, signal);
}
