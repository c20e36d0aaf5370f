import { ensureAgentImage } from "../../scripts/image.ts";
import { ensureEngine } from "../../scripts/setup/ensure-engine.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, type Figure, relativeFigure } from "../figure.ts";
import { inTurn } from "../measure.ts";
import { type AgentRig, withAgentRig } from "./bench-place.ts";
import { commandCpuMs } from "./command-cost.ts";
import {
  allRequestBytes,
  firstRequestBytes,
  type HarnessSample,
  LONG_TURNS,
  sampleHarness,
  told,
  turnCpuMs,
} from "./harness-sample.ts";
import { addedSizeMb } from "./image-size.ts";

/** Odd, so that a median is a sample. A round takes two seconds. */
const ROUNDS = 15;
/** Bars. Source: PERFORMANCE, "Agent". */
const STREAMING_RATIO_MAX = 1.2;
const IMAGE_MB_MAX = 130;

/** What is held to a bar, and how it is read from a sample. */
export const AGENT_METRICS: readonly {
  metric: string;
  unit: Figure["unit"];
  bar: number;
  of(sample: HarnessSample): number;
}[] = [
  { metric: "start to first request", unit: "ms", bar: 20, of: ({ short }) => short.toFirstRequestMs },
  { metric: "wall of 1 turn", unit: "ms", bar: 40, of: ({ short }) => short.wallMs },
  { metric: "processor time of a turn", unit: "ms", bar: 4, of: turnCpuMs },
  { metric: "peak RSS, 1 turn", unit: "MB", bar: 50, of: ({ shortPeakMb }) => shortPeakMb },
  { metric: `peak RSS, ${LONG_TURNS} turns`, unit: "MB", bar: 65, of: ({ longPeakMb }) => longPeakMb },
  { metric: "first request", unit: "bytes", bar: 7_000, of: firstRequestBytes },
  { metric: `all requests, ${LONG_TURNS} turns`, unit: "bytes", bar: 1_700_000, of: allRequestBytes },
];

export const agent: Bench = {
  name: "agent",
  about: "the compiled agent against a bare loop: start, turn, memory, request sizes, streaming, image",
  async run(report) {
    await withAgentRig(report, (rig) => measureRuns(report, rig));
    await measureImage(report);
  },
};

async function measureRuns(report: BenchReport, { model, place, ...rig }: AgentRig): Promise<void> {
  const commands: number[] = [];
  const sample = (harness: typeof rig.ours) => () => sampleHarness(harness, place, model);
  const harnesses = [rig.ours, rig.oursStreaming, rig.floor];
  const [ours = [], streaming = [], floor = []] = await inTurn(ROUNDS, [
    async () => {
      commands.push(await commandCpuMs(place.checkout));
      return await sampleHarness(rig.ours, place, model);
    },
    ...harnesses.slice(1).map(sample),
  ]);
  for (const [at, samples] of [ours, streaming, floor].entries())
    report.progress(told(harnesses[at]?.name ?? "", samples));
  for (const { of, ...subject } of AGENT_METRICS)
    report.figure(
      absoluteFigure({ bench: "agent", ...subject }, ours.map(of), {
        name: "bare loop, compiled",
        samples: floor.map(of),
      }),
    );
  report.figure(
    absoluteFigure(
      { bench: "agent", metric: "processor time of a command alone", unit: "ms", bar: null },
      commands,
    ),
  );
  reportStreaming(report, streaming, ours);
}

function reportStreaming(
  report: BenchReport,
  streaming: readonly HarnessSample[],
  whole: readonly HarnessSample[],
): void {
  const subject = { bench: "agent", unit: "ms", bar: STREAMING_RATIO_MAX } as const;
  const compare = (metric: string, of: (sample: HarnessSample) => number) =>
    report.figure(
      relativeFigure({ ...subject, metric }, streaming.map(of), "the same, not streaming", whole.map(of)),
    );
  compare(`wall of ${LONG_TURNS} turns, streaming`, ({ long }) => long.wallMs);
  compare(`processor time of ${LONG_TURNS} turns, streaming`, ({ long }) => long.cpuMs);
}

async function measureImage(report: BenchReport): Promise<void> {
  const engine = await ensureEngine(report.progress);
  if (engine.kind === "unavailable") throw new Error(`no container engine: ${engine.why}`);
  try {
    const image = await ensureAgentImage({ log: report.progress });
    const subject = {
      bench: "agent",
      metric: "image without its base",
      unit: "MB",
      bar: IMAGE_MB_MAX,
    } as const;
    report.figure(absoluteFigure(subject, [await addedSizeMb(image)]));
  } finally {
    await engine.stop();
  }
}
