import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure } from "../figure.ts";
import { median, type Sample } from "../measure.ts";
import { compilePrograms } from "../programs.ts";
import { residentMb } from "../server-start/memory.ts";
import { startBenchRun } from "./bench-run.ts";
import { measureAlone } from "./broker-alone.ts";
import { firstTokens, pacedLatencies, percentile, streamTimes, throughput, type Way } from "./load.ts";
import { requestBytes } from "./load-client.ts";
import { startNginx } from "./nginx.ts";
import { startBareProxy, startUpstream } from "./upstream.ts";

const ROUNDS = 5;
const CONNECTIONS = 32;
const THROUGHPUT_MS = 3_000;
const PACED_PER_S = 300;
const PACED_COUNT = 600;
/** Bodies as an agent sends them early and late in a run: 8 KB and 200 KB. */
const SMALL = conversation(2);
const LARGE = conversation(50);
const LARGE_PER_S = 50;
const LARGE_COUNT = 200;
const STREAM_TOKENS = 150;
const STREAM_ROUNDS = 3;
/** Streams at once, with the bar on their slowest gap of a hundred, and what it was without a broker on the machine of the bars, ms. */
const STREAMS = [
  { streams: 100, gapMsMax: 25, directGapMs: 21 },
  { streams: 500, gapMsMax: 50, directGapMs: 22 },
  { streams: 1_000, gapMsMax: 90, directGapMs: 28 },
] as const;
/** Bars. Source: PERFORMANCE, "LLM broker". */
const BARS = { requestMs: 1_000 / 4_000, cpuMicros: 250, p50: 0.8, p99: 6, largeP50: 1.5, largeP99: 10 };
const FIRST_TOKEN_MS_MAX = 1.5;
/**
 * What nginx took, or added, on the machine of those bars. Source: the same table. Bars are stretched as far as this machine is
 * slower at these.
 */
const AT_BAR = {
  requestMicros: 1_000_000 / 46_100,
  cpuMicros: 21,
  added: { smallMs: 0.08, largeMs: 0.24, firstTokenMs: 0.05 },
} as const;
/** Streams of a round whose first token is timed, one after the other. */
const FIRST_TOKENS = 40;
/** How long the server is left alone before its memory counts as idle, ms; as in `server-start`. */
const IDLE_MS = 10_000;
const PEAK_MB_MAX = 200;

export const llmBroker: Bench = {
  name: "llm-broker",
  about: "the model broker of a compiled server: token, grant, budget and ledger on, beside nginx",
  async run(report) {
    using dir = tempDir();
    const { server: program } = await compilePrograms(join(dir.path, "bin"), report);
    await using started = new AsyncDisposableStack();
    const upstream = await startUpstream();
    started.defer(upstream.stop);
    const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
    const proxy = await startBareProxy(upstreamUrl);
    started.defer(proxy.stop);
    const run = await startBenchRun(program, dir.path, upstreamUrl);
    started.defer(run.server.stop);
    const direct = (body: unknown) => requestBytes("/v1/chat/completions", "sk-bench", body);
    const nginx = await startNginx(dir.path, upstream.port, direct);
    if (nginx === undefined) report.progress("there is no nginx here, so the floor is the provider itself");
    else started.defer(nginx.stop);
    const none: Way = { name: "no broker", port: upstream.port, pid: undefined, request: direct };
    const bare: Way = { name: "bare Bun proxy", port: proxy.port, pid: proxy.pid, request: direct };
    const ours: Way = {
      name: "ours",
      port: run.port,
      pid: run.server.pid,
      request: (body, at) =>
        requestBytes("/api/llm-proxy/v1/chat/completions", tokenOf(run.tokens, at), body),
    };
    const memory = await measure(report, ours, nginx ?? none, none, bare);
    await run.server.stop();
    await measureAlone(report, dir.path, ours, { small: SMALL, large: LARGE }, memory);
  },
};

/** Connections take the runs in turn, so that no run has more calls than it may. */
function tokenOf(tokens: readonly string[], at: number): string {
  const token = tokens[at % tokens.length];
  if (token === undefined) throw new Error("there is no run");
  return token;
}

/** @returns the memory of the bare proxy */
async function measure(report: BenchReport, ours: Way, floor: Way, none: Way, bare: Way) {
  await Bun.sleep(IDLE_MS);
  const idle = await residentMb(ours.pid ?? 0);
  const bareIdle = await residentMb(bare.pid ?? 0);
  const atBar = floor === none ? undefined : AT_BAR;
  await measureThroughput(report, ours, floor, bare, atBar);
  const small = { perS: PACED_PER_S, count: PACED_COUNT, p50: BARS.p50, p99: BARS.p99 };
  await measureAdded(report, ours, floor, none, SMALL, "8 KB", { ...small, atBarMs: atBar?.added.smallMs });
  const large = { perS: LARGE_PER_S, count: LARGE_COUNT, p50: BARS.largeP50, p99: BARS.largeP99 };
  await measureAdded(report, ours, floor, none, LARGE, "200 KB", { ...large, atBarMs: atBar?.added.largeMs });
  let peak = await residentMb(ours.pid ?? 0);
  await measureFirstToken(report, ours, floor, none, atBar?.added.firstTokenMs);
  for (const size of STREAMS) {
    await measureStreams(report, ours, floor, none, size);
    peak = Math.max(peak, await residentMb(ours.pid ?? 0));
  }
  const memory = { bench: "llm-broker", unit: "MB" } as const;
  const beside = { name: bare.name, samples: [bareIdle] };
  // The bar is a gateway's, so it is on the broker alone; the server's own is in `server-start`.
  report.figure(absoluteFigure({ ...memory, metric: "idle RSS, whole server", bar: null }, [idle], beside));
  const metric = "RSS behind the load, whole server";
  report.figure(absoluteFigure({ ...memory, metric, bar: PEAK_MB_MAX }, [peak]));
  return { idle: bareIdle, loaded: await residentMb(bare.pid ?? 0) };
}

/** @param atBar undefined where the floor is not nginx */
async function measureThroughput(
  report: BenchReport,
  ours: Way,
  floor: Way,
  bare: Way,
  atBar: typeof AT_BAR | undefined,
): Promise<void> {
  const samples = {
    ours: [] as number[],
    floor: [] as number[],
    cpu: [] as number[],
    floorCpu: [] as number[],
    bareCpu: [] as number[],
  };
  for (let round = 0; round <= ROUNDS; round++) {
    const other = await throughput(floor, SMALL, CONNECTIONS, THROUGHPUT_MS);
    const proxy = await throughput(bare, SMALL, CONNECTIONS, THROUGHPUT_MS);
    const own = await throughput(ours, SMALL, CONNECTIONS, THROUGHPUT_MS);
    report.progress(
      `round ${round}: ${own.requestsPerS.toFixed(0)}/s, ${other.requestsPerS.toFixed(0)}/s ${floor.name}`,
    );
    if (round === 0) continue;
    samples.ours.push(1_000_000 / own.requestsPerS);
    samples.floor.push(1_000_000 / other.requestsPerS);
    samples.cpu.push(own.cpuMicros);
    samples.floorCpu.push(other.cpuMicros);
    samples.bareCpu.push(proxy.cpuMicros);
  }
  const subject = { bench: "llm-broker", unit: "µs" } as const;
  const time = `time per request, ${CONNECTIONS} connections, 8 KB`;
  report.figure(
    absoluteFigure(
      { ...subject, metric: time, bar: 1_000 * BARS.requestMs },
      samples.ours,
      { name: floor.name, samples: samples.floor },
      atBar && { atBar: atBar.requestMicros, here: samples.floor },
    ),
  );
  report.figure(
    absoluteFigure(
      { ...subject, metric: "processor time per request", bar: BARS.cpuMicros },
      samples.cpu,
      { name: floor.name, samples: samples.floorCpu },
      atBar && { atBar: atBar.cpuMicros, here: samples.floorCpu },
    ),
  );
  // How much of it is the runtime's own server and client: to be read, not held.
  const proxied = {
    ...subject,
    metric: "processor time per request, beside a bare proxy",
    bar: null,
  } as const;
  report.figure(absoluteFigure(proxied, samples.cpu, { name: bare.name, samples: samples.bareCpu }));
}

interface Paced {
  /** Requests a second, and in all. */
  perS: number;
  count: number;
  /** Bars on what is added, ms. */
  p50: number;
  p99: number;
  /** What nginx added there, p50, ms; undefined where the floor is not nginx. The p99 of so few says more of the hour than of the machine. */
  atBarMs: number | undefined;
}

/** What ours adds to the same request sent to the provider itself in the same round. */
async function measureAdded(
  report: BenchReport,
  ours: Way,
  floor: Way,
  none: Way,
  body: unknown,
  size: string,
  { perS, count, p50, p99, atBarMs }: Paced,
): Promise<void> {
  const rounds: Record<"ours" | "floor" | "none", number[]>[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const none_ = await pacedLatencies(none, body, perS, count);
    const floor_ = await pacedLatencies(floor, body, perS, count);
    const ours_ = await pacedLatencies(ours, body, perS, count);
    if (round > 0) rounds.push({ none: none_, floor: floor_, ours: ours_ });
  }
  const added = (way: "ours" | "floor", part: number): Sample =>
    rounds.map((round) => percentile(round[way], part) - percentile(round.none, part));
  for (const [name, part, bar] of [
    ["p50", 0.5, p50],
    ["p99", 0.99, p99],
  ] as const) {
    const metric = `added ${name} at ${perS} requests/s, ${size}`;
    report.figure(
      absoluteFigure(
        { bench: "llm-broker", metric, unit: "ms", bar },
        added("ours", part),
        { name: `${floor.name}, added`, samples: added("floor", part) },
        atBarMs === undefined ? undefined : { atBar: atBarMs, here: added("floor", 0.5) },
      ),
    );
  }
}

/** Of one stream at a time: what the broker adds, and not what waits behind the tokens of others. */
async function measureFirstToken(
  report: BenchReport,
  ours: Way,
  floor: Way,
  none: Way,
  atBarMs: number | undefined,
): Promise<void> {
  for (const [twice, which] of [
    [true, "a run that just called"],
    [false, "a run that was silent for seconds"],
  ] as const) {
    const added: Record<"own" | "through", number[]> = { own: [], through: [] };
    for (let round = 0; round <= ROUNDS; round++) {
      // Of the others first: meanwhile our runs are silent.
      const direct = median(await firstTokens(none, FIRST_TOKENS, twice));
      const through = median(await firstTokens(floor, FIRST_TOKENS, twice)) - direct;
      const own = median(await firstTokens(ours, FIRST_TOKENS, twice)) - direct;
      report.progress(
        `first token of ${which}: ${own.toFixed(2)} ms, ${through.toFixed(2)} ms by ${floor.name}`,
      );
      if (round === 0) continue;
      added.own.push(own);
      added.through.push(through);
    }
    const metric = `first token, added, ${which}`;
    report.figure(
      absoluteFigure(
        { bench: "llm-broker", metric, unit: "ms", bar: FIRST_TOKEN_MS_MAX },
        added.own,
        { name: `${floor.name}, added`, samples: added.through },
        atBarMs === undefined ? undefined : { atBar: atBarMs, here: added.through },
      ),
    );
  }
}

async function measureStreams(
  report: BenchReport,
  ours: Way,
  floor: Way,
  none: Way,
  { streams, gapMsMax, directGapMs }: (typeof STREAMS)[number],
): Promise<void> {
  const gaps: Record<"own" | "through" | "direct", number[]> = { own: [], through: [], direct: [] };
  const firsts: Record<"own" | "through", number[]> = { own: [], through: [] };
  for (let round = 0; round < STREAM_ROUNDS; round++) {
    const direct = await streamTimes(none, streams, STREAM_TOKENS);
    const through = await streamTimes(floor, streams, STREAM_TOKENS);
    const own = await streamTimes(ours, streams, STREAM_TOKENS);
    for (const [way, times] of [
      ["own", own],
      ["through", through],
      ["direct", direct],
    ] as const)
      gaps[way].push(percentile(times.gapsMs, 0.99));
    firsts.own.push(median(own.firstMs) - median(direct.firstMs));
    firsts.through.push(median(through.firstMs) - median(direct.firstMs));
    const [gap, bare] = [gaps.own.at(-1), gaps.direct.at(-1)].map((ms) => ms?.toFixed(0));
    report.progress(`${streams} streams: p99 gap ${gap} ms, ${bare} ms without a broker`);
  }
  const metric = `p99 gap between tokens, ${streams} streams of 50 tokens/s`;
  report.figure(
    absoluteFigure(
      { bench: "llm-broker", metric, unit: "ms", bar: gapMsMax },
      gaps.own,
      { name: floor.name, samples: gaps.through },
      { atBar: directGapMs, here: gaps.direct },
    ),
  );
  if (streams !== STREAMS[0].streams) return;
  const metric100 = "first token, added, while 100 streams start within a second";
  const delay = { bench: "llm-broker", metric: metric100, unit: "ms", bar: null } as const;
  report.figure(absoluteFigure(delay, firsts.own, { name: `${floor.name}, added`, samples: firsts.through }));
}

/** So many turns of 4 KB: a question of the agent, and what a file holds. */
function conversation(turns: number): unknown {
  const line = "export function answer(question: string): string { return question.toUpperCase(); }\n";
  const turn = (at: number) => [
    { role: "assistant", content: `I read file ${at}.` },
    { role: "user", content: line.repeat(47) },
  ];
  return {
    messages: [
      { role: "system", content: "Be brief." },
      ...Array.from({ length: turns }, (_, at) => turn(at)).flat(),
    ],
  };
}
