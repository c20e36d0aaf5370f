import { join } from "node:path";
import { compileProgram } from "../../scripts/build/compile.ts";
import { hostArchitecture } from "../../scripts/build/programs.ts";
import type { BenchReport } from "../bench.ts";
import { absoluteFigure } from "../figure.ts";
import { residentMb } from "../server-start/memory.ts";
import { pacedLatencies, streamTimes, throughput, type Way } from "./load.ts";
import { type Listening, startListening } from "./upstream.ts";

const PROGRAM = { name: "llm-broker-alone", entry: "bench/llm-broker/broker-process.ts", aliases: [] };
/** Bars: what gateways that are nothing else take. Source: PERFORMANCE, "LLM broker". */
const IDLE_MB_MAX = 70;
const PEAK_MB_MAX = 200;
/** As the whole server before it: left alone, then under the load of the other figures. */
const IDLE_MS = 10_000;
const CONNECTIONS = 32;
const LOAD_MS = 3_000;
const LARGE_PER_S = 50;
const LARGE_COUNT = 250;
const STREAMS = [100, 500, 1_000];
const STREAM_TOKENS = 150;

/**
 * The broker's own memory: compiled as the server is, on the data folder of a server that has ended, in a process of its own. Idle
 * is measured twice, before its first call and behind the load, as the runtime keeps what it compiled.
 * @param way to it, but for its port and its process
 * @param bare memory of a proxy of the same runtime, before the load and behind it, MB
 */
export async function measureAlone(
  report: BenchReport,
  dir: string,
  way: Pick<Way, "name" | "request">,
  bodies: { small: unknown; large: unknown },
  bare: { idle: number; loaded: number },
): Promise<void> {
  const file = await compileProgram(PROGRAM, hostArchitecture(), join(dir, "bin"));
  const broker: Listening = await startListening([file, join(dir, "data")]);
  try {
    await Bun.sleep(IDLE_MS);
    const fresh = await residentMb(broker.pid);
    const own: Way = { ...way, port: broker.port, pid: broker.pid };
    await throughput(own, bodies.small, CONNECTIONS, LOAD_MS);
    await pacedLatencies(own, bodies.large, LARGE_PER_S, LARGE_COUNT);
    let peak = await residentMb(broker.pid);
    for (const streams of STREAMS) {
      await streamTimes(own, streams, STREAM_TOKENS);
      peak = Math.max(peak, await residentMb(broker.pid));
    }
    await Bun.sleep(IDLE_MS);
    const again = await residentMb(broker.pid);
    const memory = { bench: "llm-broker", unit: "MB" } as const;
    const beside = (samples: number) => ({ name: "bare Bun proxy", samples: [samples] });
    for (const [metric, bar, value, floor] of [
      ["idle RSS, broker alone", IDLE_MB_MAX, fresh, bare.idle],
      ["RSS behind the load, broker alone", PEAK_MB_MAX, peak, bare.loaded],
      ["idle RSS again behind the load, broker alone", null, again, bare.loaded],
    ] as const)
      report.figure(absoluteFigure({ ...memory, metric, bar }, [value], beside(floor)));
  } finally {
    await broker.stop();
  }
}
