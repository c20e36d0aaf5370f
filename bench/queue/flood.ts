import type { Bench, BenchReport } from "../bench.ts";
import { type BenchHost, type BenchPool, createBenchPool } from "../bench-host.ts";
import { relativeFigure } from "../figure.ts";
import type { BenchEngine } from "./each-engine.ts";
import { onEachServer } from "./each-server.ts";

/** Bar. Source: SECURITY RT-14: the claims of a hundred honest hosts are 10 % slower at most while one host floods. */
const RATIO_MAX = 1.1;
const HONEST = 100;
/** Each honest host claims once in so many ms, so that a hundred make 50 a second. */
const CLAIM_EVERY_MS = 2_000;
/** What the flooding host sends, half claims and half events. */
const FLOOD_A_SECOND = 1_000;
/** Requests of the flood that wait for their answers; a server that is slower than the flood is not sent more. */
const FLOOD_OPEN_MAX = 100;
const ROUND_MS = 6_000;
const ROUNDS = 5;

export const flood: Bench = {
  name: "flood",
  about: "claims of a hundred honest hosts while one host sends a thousand requests a second",
  run: (report) =>
    onEachServer(report, async (engine, server, projectDir) =>
      measure(report, engine, await createBenchPool(server, projectDir)),
    ),
};

async function measure(report: BenchReport, engine: BenchEngine, { addHost }: BenchPool): Promise<void> {
  const honest: BenchHost[] = [];
  for (let at = 0; at < HONEST; at++) honest.push(await addHost(1));
  const hostile = await addHost(1);
  const quiet: number[] = [];
  const flooded: number[] = [];
  let held = 0;
  await round(honest, undefined); // warms up
  for (let at = 0; at < ROUNDS; at++) {
    quiet.push((await round(honest, undefined)).p99);
    const { p99, refused } = await round(honest, hostile);
    flooded.push(p99);
    report.progress(
      `${engine}: p99 ${quiet.at(-1)?.toFixed(1)} ms, flooded ${p99.toFixed(1)} ms; ${refused} requests of the flood were refused`,
    );
    // A server that is too slow for the flood is not asked often enough to refuse any of it.
    held += refused;
  }
  if (held === 0) report.progress(`${engine}: no request of the flood came soon enough to be refused`);
  const subject = { bench: "flood", unit: "ms", bar: RATIO_MAX } as const;
  report.figure(
    relativeFigure(
      { ...subject, metric: `${engine}: a claim of an honest host, p99, one host floods` },
      flooded,
      "nobody floods",
      quiet,
    ),
  );
}

/** @returns p99 of the honest claims, ms, and how many requests of the flood were refused */
async function round(
  honest: readonly BenchHost[],
  hostile: BenchHost | undefined,
): Promise<{ p99: number; refused: number }> {
  const over = new AbortController();
  const flooding = hostile === undefined ? Promise.resolve(0) : floodWith(hostile, over.signal);
  const untilMs = performance.now() + ROUND_MS;
  const times = await Promise.all(honest.map((host, at) => claimUntil(host, at / honest.length, untilMs)));
  over.abort();
  const sorted = times.flat().sort((a, b) => a - b);
  return { p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN, refused: await flooding };
}

async function claimUntil(host: BenchHost, phase: number, untilMs: number): Promise<number[]> {
  const times: number[] = [];
  await Bun.sleep(phase * CLAIM_EVERY_MS);
  while (performance.now() < untilMs) {
    const startedMs = performance.now();
    const { status } = await host.tryClaim();
    const tookMs = performance.now() - startedMs;
    if (status !== 200) throw new Error(`an honest host was answered ${status}`);
    times.push(tookMs);
    await Bun.sleep(Math.max(0, CLAIM_EVERY_MS - tookMs));
  }
  return times;
}

/** Sends at its pace, whatever the answers are. */
async function floodWith(host: BenchHost, signal: AbortSignal): Promise<number> {
  let refused = 0;
  const under = new Set<Promise<void>>();
  const startedMs = performance.now();
  const note = (sent: Promise<number>) => {
    const done = sent.then((status) => {
      if (status === 429) refused++;
      under.delete(done);
    });
    under.add(done);
  };
  for (let sent = 0; !signal.aborted; ) {
    const due = ((performance.now() - startedMs) / 1_000) * FLOOD_A_SECOND;
    for (; sent < due; sent++) {
      if (under.size >= FLOOD_OPEN_MAX) continue;
      note(sent % 2 === 0 ? host.tryClaim().then(({ status }) => status) : host.badEvents());
    }
    await Bun.sleep(5);
  }
  await Promise.all(under);
  return refused;
}
