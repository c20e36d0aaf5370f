import type { ServerMetrics } from "./server-metrics.ts";

/** Time between two measurements, ms: often enough to see what people feel, too seldom to matter. */
const MEASURE_MS = 250;

/** Measures how late the event loop is, until the returned function is called. */
export function measureLoopDelay(metrics: Pick<ServerMetrics, "loopDelayed">): () => void {
  let dueMs = performance.now() + MEASURE_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    metrics.loopDelayed(Math.max(0, nowMs - dueMs));
    dueMs = nowMs + MEASURE_MS;
  }, MEASURE_MS);
  timer.unref();
  return () => clearInterval(timer);
}
