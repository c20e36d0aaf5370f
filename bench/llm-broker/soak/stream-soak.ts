import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { LLM_RUN_CALLS_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { openDatabase } from "../../../apps/server/src/db/database.ts";
import { median } from "../../measure.ts";
import { residentMb } from "../../server-start/memory.ts";
import { type BenchRun, startBenchRun } from "../bench-run.ts";
import { requestBytes } from "../load-client.ts";
import { type CallerKind, callUntil, type SoakCount } from "./soak-caller.ts";

/** What a stream may take of the server's memory, bytes. Source: SECURITY, LB-13. */
const STREAM_BYTES_MAX = 262_144;
/** What memory may grow by from the second third of the time to the last, MB: what a heap breathes. */
const GROWTH_MB_MAX = 40;
/** Connections to a provider that the runtime keeps for later calls. */
const KEPT_SOCKETS_MAX = 256;
const SAMPLE_MS = 5_000;
/** Time for the last streams to be closed and written down, ms. */
const SETTLE_MS = 60_000;

export interface SoakPlan {
  streams: number;
  minutes: number;
  /**
   * What the slow callers are sent: as the others, a reply at the pace of the fastest models, or a flood, which none makes.
   * Behind the latter two the runtime itself holds 1 to 2 MiB a stream, also where it passes a reply on untouched; the bound
   * on memory is then missed.
   */
  slow: "steady" | "fast" | "flood";
  progress(line: string): void;
}

export interface SoakReport {
  streams: number;
  minutes: number;
  calls: SoakCount & { recorded: number };
  openMost: number;
  bytesPerStream: number;
  memoryMb: { idle: number; middle: number; last: number };
  sockets: { before: number; most: number; after: number };
  problems: string[];
}

/** LB-13 in full: so many streams at once through a server, each caller calling again when its stream ended. */
export async function soakStreams(
  program: readonly string[],
  { streams, minutes, slow, progress }: SoakPlan,
): Promise<SoakReport> {
  using dir = tempDir();
  await using started = new AsyncDisposableStack();
  const provider = await startProvider();
  started.defer(provider.stop);
  const runs = Math.ceil(streams / LLM_RUN_CALLS_MAX);
  const run = await startBenchRun(program, dir.path, `http://127.0.0.1:${provider.port}`, runs);
  started.defer(run.server.stop);
  const count: SoakCount = { open: 0, whole: 0, left: 0, stopped: 0, bad: [] };
  const before = { mb: await residentMb(run.server.pid), sockets: socketsOf(run.server.pid) };
  const end = AbortSignal.timeout(minutes * 60_000);
  const callers = Array.from({ length: streams }, async (_, at) => {
    await Bun.sleep((at * 10_000) / streams); // as runs start, not all at once
    await callUntil(run.port, requestOf(run, at, slow), kindOf(at), count, end);
  });
  const samples = await sample(run, count, end, progress);
  await Promise.all(callers);
  await eventually("the provider has no open stream", async () => (await provider.open()) === 0, SETTLE_MS);
  const sockets = () => socketsOf(run.server.pid) - before.sockets;
  await eventually("the sockets are closed", () => sockets() <= KEPT_SOCKETS_MAX, SETTLE_MS);
  const after = socketsOf(run.server.pid);
  await run.server.stop(); // writes down what is left
  const calls = { ...count, recorded: await recordedIn(dir.path) };
  return verdict({ streams, minutes, calls, samples, before, after });
}

interface Sample {
  mb: number;
  sockets: number;
  open: number;
}

async function sample(
  run: BenchRun,
  count: SoakCount,
  end: AbortSignal,
  progress: (line: string) => void,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (!end.aborted) {
    await Bun.sleep(SAMPLE_MS);
    const { pid } = run.server;
    const one = { mb: await residentMb(pid), sockets: socketsOf(pid), open: count.open };
    samples.push(one);
    progress(`${one.open} streams, ${one.mb.toFixed(0)} MB, ${one.sockets} sockets`);
  }
  return samples;
}

function verdict(seen: {
  streams: number;
  minutes: number;
  calls: SoakReport["calls"];
  samples: readonly Sample[];
  before: { mb: number; sockets: number };
  after: number;
}): SoakReport {
  const { streams, minutes, calls, samples, before, after } = seen;
  const third = Math.floor(samples.length / 3);
  const memoryOf = (part: readonly Sample[]) => median(part.map(({ mb }) => mb));
  const middle = memoryOf(samples.slice(third, 2 * third));
  const last = memoryOf(samples.slice(2 * third));
  const openMost = Math.max(...samples.map(({ open }) => open));
  const peakMb = Math.max(...samples.map(({ mb }) => mb));
  const bytesPerStream = Math.round(((peakMb - before.mb) * 1e6) / streams);
  const made = calls.whole + calls.left + calls.stopped;
  const problems = [
    ...calls.bad,
    ...(openMost < 0.95 * streams ? [`only ${openMost} streams were open at once`] : []),
    ...(bytesPerStream > STREAM_BYTES_MAX ? [`a stream takes ${bytesPerStream} bytes`] : []),
    ...(last - middle > GROWTH_MB_MAX ? [`memory grew by ${(last - middle).toFixed(0)} MB`] : []),
    ...(calls.recorded > made || calls.recorded < calls.whole + calls.left
      ? [`${calls.recorded} of ${made} calls were recorded`]
      : []),
  ];
  const most = Math.max(...samples.map(({ sockets }) => sockets));
  const sockets = { before: before.sockets, most, after };
  return {
    streams,
    minutes,
    calls,
    openMost,
    bytesPerStream,
    memoryMb: { idle: before.mb, middle, last },
    sockets,
    problems,
  };
}

function kindOf(at: number): CallerKind {
  return at % 10 === 0 ? "slow" : at % 10 === 1 ? "leaver" : "reader";
}

function requestOf(run: BenchRun, at: number, slow: SoakPlan["slow"]): Buffer {
  const content = kindOf(at) === "slow" ? slow : "steady";
  const token = run.tokens[at % run.tokens.length] ?? "";
  const body = { messages: [{ role: "user", content }], stream: true };
  return requestBytes("/api/llm-proxy/v1/chat/completions", token, body);
}

function socketsOf(pid: number): number {
  const dir = `/proc/${pid}/fd`;
  return readdirSync(dir).filter((fd) => linkOf(join(dir, fd)).startsWith("socket:")).length;
}

/** A file may be closed between the list and the look. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

async function recordedIn(dir: string): Promise<number> {
  const database = await openDatabase({ url: undefined, sqliteFile: join(dir, "data", "windshift.db") });
  try {
    const { count } = await database.kysely
      .selectFrom("run_usage")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    return Number(count);
  } finally {
    await database.close();
  }
}

async function startProvider() {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "provider-process.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const line = async () => Number(new TextDecoder().decode((await reader.read()).value).trim());
  const port = await line();
  return {
    port,
    open: async () => {
      child.stdin.write("\n");
      child.stdin.flush();
      return await line();
    },
    stop: async () => {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}
