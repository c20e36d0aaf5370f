import { LoadConnection } from "./load-client.ts";

/** Where load goes: an address on this machine, and what is sent there. */
export interface Way {
  name: string;
  port: number;
  /** Process whose time is counted; undefined where nothing stands between client and provider. */
  pid: number | undefined;
  /** @param at the connection's place among those of the load */
  request(body: unknown, at: number): Buffer;
}

export interface Throughput {
  requestsPerS: number;
  /** Processor time of the process in between per request, µs. */
  cpuMicros: number;
}

/** As many requests as go through with so many connections that send the next when the last was answered. */
export async function throughput(
  way: Way,
  body: unknown,
  connections: number,
  ms: number,
): Promise<Throughput> {
  const all = await connect(way, body, connections);
  let done = 0;
  const cpuBefore = way.pid === undefined ? 0 : await cpuMs(way.pid);
  const startedMs = performance.now();
  await Promise.all(
    all.map(async (one) => {
      while (performance.now() - startedMs < ms) {
        await one.send();
        done++;
      }
    }),
  );
  const tookMs = performance.now() - startedMs;
  const spentMs = way.pid === undefined ? 0 : (await cpuMs(way.pid)) - cpuBefore;
  for (const one of all) one.close();
  return { requestsPerS: (done * 1_000) / tookMs, cpuMicros: (spentMs * 1_000) / done };
}

/** As many as may be on their way when a busy machine stands still for half a second. */
const PACED_CONNECTIONS = 256;

/** Times of requests that leave at a steady pace, whatever became of those before; counted from when each was due, ms. */
export async function pacedLatencies(
  way: Way,
  body: unknown,
  perS: number,
  count: number,
): Promise<number[]> {
  const idle = await connect(way, body, PACED_CONNECTIONS);
  const latencies: number[] = [];
  const calls: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let at = 0; at < count; at++) {
    const dueMs = startedMs + (at * 1_000) / perS;
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) await Bun.sleep(earlyMs);
    const one = idle.pop();
    if (one === undefined) throw new Error(`${way.name} does not keep up with ${perS} requests/s`);
    calls.push(
      one.send().then(() => {
        latencies.push(performance.now() - dueMs);
        idle.push(one);
      }),
    );
  }
  await Promise.all(calls);
  for (const one of idle) one.close();
  return latencies;
}

/** Pause between two streams that are read one after the other, ms: agents think and work between their calls. */
const TURN_MS = 30;

/**
 * From the request to the first token of streams that are read one after the other, each of another run, ms.
 * @param twice the second of two of the same run, so that it called just before
 */
export async function firstTokens(way: Way, count: number, twice: boolean): Promise<number[]> {
  const body = { messages: [{ role: "user", content: "stream 0" }], stream: true };
  const times: number[] = [];
  for (const one of await connect(way, body, count)) {
    if (twice) {
      await one.send();
      await Bun.sleep(TURN_MS);
    }
    let firstMs: number | undefined;
    const sentMs = performance.now();
    one.onData = () => {
      firstMs ??= performance.now() - sentMs;
    };
    await one.send();
    one.close();
    if (firstMs === undefined) throw new Error(`${way.name} sent no token`);
    times.push(firstMs);
    await Bun.sleep(TURN_MS);
  }
  return times;
}

export interface StreamTimes {
  /** From the request to the first token of each stream, ms. */
  firstMs: number[];
  /** Between two tokens, ms, of all streams. */
  gapsMs: number[];
}

/** Reads so many streams at once; they start spread over a second, as runs do. */
export async function streamTimes(way: Way, streams: number, tokens: number): Promise<StreamTimes> {
  const body = { messages: [{ role: "user", content: `stream ${tokens}` }], stream: true };
  const all = await connect(way, body, streams);
  const times: StreamTimes = { firstMs: [], gapsMs: [] };
  await Promise.all(
    all.map(async (one, at) => {
      await Bun.sleep((at * 1_000) / streams);
      const sentMs = performance.now();
      let lastMs: number | undefined;
      one.onData = () => {
        const nowMs = performance.now();
        if (lastMs === undefined) times.firstMs.push(nowMs - sentMs);
        else times.gapsMs.push(nowMs - lastMs);
        lastMs = nowMs;
      };
      await one.send();
      one.close();
    }),
  );
  return times;
}

async function connect(way: Way, body: unknown, count: number): Promise<LoadConnection[]> {
  const all = Array.from({ length: count }, (_, at) => new LoadConnection(way.port, way.request(body, at)));
  await Promise.all(all.map((one) => one.open()));
  return all;
}

/** Processor time that a process and its children have used, ms: nginx's work is done by a child. */
async function cpuMs(pid: number): Promise<number> {
  const own = await processCpuMs(pid);
  const children = await Bun.file(`/proc/${pid}/task/${pid}/children`).text();
  const theirs = await Promise.all(
    children
      .split(" ")
      .filter(Boolean)
      .map((child) => processCpuMs(Number(child))),
  );
  return theirs.reduce((sum, ms) => sum + ms, own);
}

/** Ticks of the kernel's clock are 10 ms. */
async function processCpuMs(pid: number): Promise<number> {
  const fields = (await Bun.file(`/proc/${pid}/stat`).text()).replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** @param part 0.5 for the median, 0.99 for the slowest of a hundred */
export function percentile(sample: readonly number[], part: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
