import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { installPackages } from "../agent/peer-packages.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, type Figure, relativeFigure } from "../figure.ts";
import { startBenchRun } from "../llm-broker/bench-run.ts";
import { pacedLatencies, percentile, streamTimes, throughput, type Way } from "../llm-broker/load.ts";
import { requestBytes } from "../llm-broker/load-client.ts";
import { startUpstream } from "../llm-broker/upstream.ts";
import { inTurn } from "../measure.ts";
import { compilePrograms } from "../programs.ts";
import { residentMb } from "../server-start/memory.ts";
import { GATEWAYS } from "./gateways.ts";

const ROUNDS = 3;
const CONNECTIONS = 32;
const THROUGHPUT_MS = 3_000;
/** What the slowest of them keeps up with on two cores that do other work too. */
const PACED_PER_S = 100;
/** Fewer than there are connections, so that one that falls behind is slow and not an error. */
const PACED_COUNT = 250;
const STREAMS = 100;
const STREAM_TOKENS = 100;
/** Not slower than a gateway for models, which knows of no token, grant, budget and ledger. */
const RATIO_MAX = 1;
/** A body of 8 KB, as an agent sends it early in a run. */
const BODY = {
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: "export const answer = (question: string) => question.toUpperCase();\n".repeat(118),
    },
  ],
};

interface Sample {
  requestMicros: number;
  cpuMicros: number;
  p50Ms: number;
  p99Ms: number;
  /** Of streams; undefined where they are not measured. */
  firstTokenMs: number | undefined;
  gapMs: number | undefined;
  residentMb: number;
}

const METRICS: readonly {
  metric: string;
  unit: Figure["unit"];
  of: (sample: Sample) => number | undefined;
  held: boolean;
}[] = [
  {
    metric: `time per request, ${CONNECTIONS} connections, 8 KB`,
    unit: "µs",
    of: (s) => s.requestMicros,
    held: true,
  },
  { metric: "processor time per request", unit: "µs", of: (s) => s.cpuMicros, held: true },
  {
    metric: `p50 at ${PACED_PER_S} requests/s, the provider's time in it`,
    unit: "ms",
    of: (s) => s.p50Ms,
    held: true,
  },
  {
    metric: `p99 at ${PACED_PER_S} requests/s, the provider's time in it`,
    unit: "ms",
    of: (s) => s.p99Ms,
    held: true,
  },
  { metric: `first token of ${STREAMS} streams`, unit: "ms", of: (s) => s.firstTokenMs, held: false },
  { metric: `p99 gap between tokens of ${STREAMS} streams`, unit: "ms", of: (s) => s.gapMs, held: false },
  { metric: "RSS behind the load, ours a whole server", unit: "MB", of: (s) => s.residentMb, held: false },
];

export const llmPeers: Bench = {
  name: "llm-peers",
  about:
    "the model broker beside gateways of others from npm; installs 45 MB of packages into a cache folder",
  async run(report) {
    const packages = Object.assign({}, ...GATEWAYS.map((gateway) => gateway.packages));
    const modules = await installPackages(packages, report, "windshift-bench-gateways");
    using dir = tempDir();
    const { server: program } = await compilePrograms(join(dir.path, "bin"), report);
    await using started = new AsyncDisposableStack();
    const upstream = await startUpstream();
    started.defer(upstream.stop);
    const run = await startBenchRun(program, dir.path, `http://127.0.0.1:${upstream.port}`);
    started.defer(run.server.stop);
    const path = "/api/llm-proxy/v1/chat/completions";
    const ours: Way = {
      name: "ours",
      port: run.port,
      pid: run.server.pid,
      request: (body, at) => requestBytes(path, run.tokens[at % run.tokens.length] ?? "", body),
    };
    const others: Way[] = [];
    for (const gateway of GATEWAYS) {
      const other = await gateway.start(modules, upstream.port);
      started.defer(other.stop);
      others.push(other);
    }
    const [own = [], ...theirs] = await inTurn(
      ROUNDS,
      [ours, ...others].map((way, at) => async () => {
        const taken = await sample(way, GATEWAYS[at - 1]?.streams ?? true);
        report.progress(`${way.name}: ${(1e6 / taken.requestMicros).toFixed(0)} requests/s`);
        return taken;
      }),
    );
    for (const [at, gateway] of GATEWAYS.entries())
      reportPeer(report, own, gateway.name, theirs[at] ?? [], gateway.isForModels);
  },
};

async function sample(way: Way, withStreams: boolean): Promise<Sample> {
  const { requestsPerS, cpuMicros } = await throughput(way, BODY, CONNECTIONS, THROUGHPUT_MS);
  const paced = await pacedLatencies(way, BODY, PACED_PER_S, PACED_COUNT);
  const streams = withStreams ? await streamTimes(way, STREAMS, STREAM_TOKENS) : undefined;
  return {
    requestMicros: 1e6 / requestsPerS,
    cpuMicros,
    p50Ms: percentile(paced, 0.5),
    p99Ms: percentile(paced, 0.99),
    firstTokenMs: streams && percentile(streams.firstMs, 0.5),
    gapMs: streams && percentile(streams.gapsMs, 0.99),
    residentMb: await residentMb(way.pid ?? 0),
  };
}

function reportPeer(
  report: BenchReport,
  own: readonly Sample[],
  name: string,
  theirs: readonly Sample[],
  isForModels: boolean,
): void {
  for (const { metric, unit, of, held } of METRICS) {
    const subject = { bench: "llm-peers", metric, unit };
    const measured = (samples: readonly Sample[]) => samples.map(of).filter((value) => value !== undefined);
    const [ours, other] = [measured(own), measured(theirs)];
    if (other.length === 0) continue;
    if (held && isForModels) report.figure(relativeFigure({ ...subject, bar: RATIO_MAX }, ours, name, other));
    else report.figure(absoluteFigure({ ...subject, bar: null }, ours, { name, samples: other }));
  }
}
