import type { Bench, BenchReport } from "../bench.ts";
import { type BenchHost, type BenchPool, createBenchPool } from "../bench-host.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
import { inTurn } from "../measure.ts";
import type { BenchEngine } from "./each-engine.ts";
import { onEachServer } from "./each-server.ts";
import { cpuMs } from "./fleet.ts";
import { type FloodCount, type FloodPlace, openFloodPlace } from "./flood-place.ts";

/**
 * Bar on the ratio to the same flood at a bystander. Source: SECURITY RT-14, where the claims of a hundred honest hosts are 10 % slower at
 * most while one host floods: beside a flood that costs the same processor and does not reach the server.
 */
const RATIO_MAX = 1.1;
const HONEST = 100;
/** Each honest host claims once in so many ms, so that a hundred make 100 a second. */
const CLAIM_EVERY_MS = 1_000;
/** What the flooding host sends. */
const FLOOD_A_SECOND = 1_000;
const FLOOD_OPEN_MAX = 100;
/** Share of what the flooding host sends that has to be answered, by us and by the bystander; less is no flood, and shows nothing. */
const ANSWERED_MIN = 0.9;
/** Before a round is counted: what a host may send at once after a pause has gone through by then, ms. */
const LEAD_IN_MS = 1_500;
const ROUND_MS = 5_000;
const ROUNDS = 6;

export const flood: Bench = {
  name: "flood",
  about: "claims of a hundred honest hosts while one host sends a thousand requests a second",
  run: (report) =>
    onEachServer(report, async (engine, server, projectDir) =>
      measure(report, engine, server.pid, await createBenchPool(server, projectDir)),
    ),
};

interface Round {
  /** Of the honest claims, ms. */
  p50: number;
  p99: number;
  /** Processor time of the server, ms a second. */
  cpu: number;
  flood: FloodCount | undefined;
}

/**
 * On a machine of a few cores any flood takes processor from everything beside it. What speaks of the server is the same flood, once sent
 * to it and once to a bare server beside it that only refuses.
 */
async function measure(
  report: BenchReport,
  engine: BenchEngine,
  pid: number,
  { addHost }: BenchPool,
): Promise<void> {
  const honest: BenchHost[] = [];
  for (let at = 0; at < HONEST; at++) honest.push(await addHost(1));
  const hostile = await addHost(1);
  const place = await openFloodPlace(honest, CLAIM_EVERY_MS);
  const one = async (name: string, url: string | undefined): Promise<Round> => {
    const round = await oneRound(place, pid, hostile, url);
    report.progress(`${engine}: ${name}: ${JSON.stringify(round)}`);
    return round;
  };
  try {
    const [quiet = [], bystander = [], ours = []] = await inTurn(ROUNDS, [
      () => one("nobody floods", undefined),
      () => one("a bystander is flooded", place.bystanderUrl),
      () => one("the server is flooded", hostile.identity.url),
    ]);
    reportRounds(report, engine, { quiet, bystander, ours });
  } finally {
    await place.close();
  }
}

async function oneRound(
  place: FloodPlace,
  pid: number,
  hostile: BenchHost,
  url: string | undefined,
): Promise<Round> {
  const to = { ...hostile.identity, perSecond: FLOOD_A_SECOND, openMax: FLOOD_OPEN_MAX };
  const sender = url === undefined ? undefined : place.startFlood({ ...to, url });
  await place.claimFor(LEAD_IN_MS);
  const before = cpuMs(pid);
  const startedMs = performance.now();
  const sorted = (await place.claimFor(ROUND_MS)).sort((a, b) => a - b);
  const cpu = (1_000 * (cpuMs(pid) - before)) / (performance.now() - startedMs);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), cpu, flood: await sender?.stop() };
}

function reportRounds(
  report: BenchReport,
  engine: BenchEngine,
  { quiet, bystander, ours }: Record<"quiet" | "bystander" | "ours", Round[]>,
): void {
  const reference = "the same flood at a server beside it that only refuses";
  const flooded = [ours, bystander].map(answeredEachSecond);
  const wasFlood = flooded.every((perSecond) => perSecond >= ANSWERED_MIN * FLOOD_A_SECOND);
  if (!wasFlood)
    report.progress(
      `${engine}: no flood, so no bar holds: of ${FLOOD_A_SECOND} requests a second the server answered ${flooded[0]}, the bystander ${flooded[1]}`,
    );
  for (const share of ["p99", "p50"] as const) {
    const of = (rounds: Round[]) => rounds.map((round) => round[share]);
    const subject = { bench: "flood", unit: "ms" } as const;
    const metric = `${engine}: a claim of an honest host, ${share}, one host floods`;
    const bar = share === "p99" ? RATIO_MAX : null;
    const figure = relativeFigure({ ...subject, metric, bar }, of(ours), reference, of(bystander));
    report.figure({ ...figure, holds: figure.holds && (wasFlood || bar === null) });
    report.figure(
      absoluteFigure(
        {
          ...subject,
          metric: `${engine}: the same, ${share}, the flood is at the server beside it`,
          bar: null,
        },
        of(bystander),
        { name: "nobody floods", samples: of(quiet) },
      ),
    );
  }
  const cpu = (rounds: Round[]) => rounds.map((round) => round.cpu);
  const metric = `${engine}: processor time of the server a second, one host floods`;
  report.figure(
    absoluteFigure({ bench: "flood", unit: "ms", metric, bar: null }, cpu(ours), {
      name: reference,
      samples: cpu(bystander),
    }),
  );
}

function answeredEachSecond(rounds: readonly Round[]): number {
  const total = (of: keyof FloodCount) => rounds.reduce((sum, { flood }) => sum + (flood?.[of] ?? 0), 0);
  return Math.round((1_000 * total("answered")) / total("forMs"));
}
