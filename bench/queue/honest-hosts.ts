import { createInterface } from "node:readline";
import { z } from "zod";
import { BenchHostIdentity, connectHost } from "../bench-host.ts";

/**
 * Honest hosts that claim at their pace, in a process of their own: who sends a flood does not keep them waiting. Reads `HonestHosts`,
 * then a line for each round, and answers that with the times of its claims.
 */
export const HonestHosts = z.object({
  hosts: z.array(BenchHostIdentity),
  /** Each host claims once in so many ms. */
  claimEveryMs: z.number(),
});
export const HonestRound = z.object({ forMs: z.number() });
/** ms */
export const ClaimTimes = z.array(z.number());

if (import.meta.main) await main();

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { hosts, claimEveryMs } = HonestHosts.parse(JSON.parse((await lines.next()).value ?? ""));
  const clients = hosts.map(connectHost);
  for await (const line of lines) {
    const untilMs = performance.now() + HonestRound.parse(JSON.parse(line)).forMs;
    const times = await Promise.all(
      clients.map((host, at) =>
        claimUntil(host, (at / clients.length) * claimEveryMs, claimEveryMs, untilMs),
      ),
    );
    process.stdout.write(`${JSON.stringify(times.flat())}\n`);
  }
}

async function claimUntil(
  host: ReturnType<typeof connectHost>,
  phaseMs: number,
  everyMs: number,
  untilMs: number,
): Promise<number[]> {
  const times: number[] = [];
  await Bun.sleep(phaseMs);
  while (performance.now() < untilMs) {
    const startedMs = performance.now();
    const { status } = await host.tryClaim();
    const tookMs = performance.now() - startedMs;
    if (status !== 200) throw new Error(`an honest host was answered ${status}`);
    times.push(tookMs);
    await Bun.sleep(Math.max(0, everyMs - tookMs));
  }
  return times;
}
