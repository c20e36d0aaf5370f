import { expect, test } from "bun:test";
import { cpuMs } from "./cpu-time.ts";

test("work counts, and waiting does not", async () => {
  const waited = await cpuMs(() => Bun.sleep(200));
  const worked = await cpuMs(() => {
    for (const startedMs = performance.now(); performance.now() - startedMs < 200; );
  });
  expect(waited).toBeLessThan(150);
  expect(worked).toBeGreaterThan(0);
});
