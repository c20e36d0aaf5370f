import { afterAll, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { eventually } from "@windshift/testing/eventually.ts";
import {
  chunk,
  DONE_CHUNK,
  QUESTION,
  startBroker,
  startProvider,
  targetOf,
  USAGE_CHUNK,
} from "./llm-broker.fixture.ts";

/** The same at 2,000 streams for ten minutes is `bun scripts/soak-llm-streams.ts`; this is what a test of seconds can hold. */
const STREAMS = 120;
const EVENTS = 200;
const ROUNDS = 4;
/** What memory may grow by from round to round, bytes: a stream that is kept would be tens of KiB. */
const GROWTH_BYTES_MAX = 24 * 1_048_576;

/** Connections that the runtime keeps for the next calls, more than are kept after the first round. */
const SOCKETS_KEPT_MAX = 20;

let streaming = 0;
const provider = startProvider(() => {
  streaming++;
  let sent = 0;
  const body = new ReadableStream({
    pull: async (controller) => {
      await Bun.sleep(1);
      controller.enqueue(Buffer.from(sent++ < EVENTS ? chunk(`word ${sent}`) : USAGE_CHUNK + DONE_CHUNK));
      if (sent <= EVENTS) return;
      streaming--;
      controller.close();
    },
    cancel: () => void streaming--,
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
});
/** Of ten runs, since one has sixteen calls at once. */
const RUNS = 10;
const broker = startBroker(provider.url, { otherRuns: Array(RUNS - 1).fill(targetOf(provider.url)) });
afterAll(async () => {
  await broker.close();
  await provider.close();
});

test("LB-13 many streams with slow readers and leavers leave no socket and no memory behind", async () => {
  const memory: number[] = [];
  const sockets: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const texts = await Promise.all(
      Array.from({ length: STREAMS }, (_, at) => read(at % 10, Math.floor((at * RUNS) / STREAMS))),
    );
    for (const [at, text] of texts.entries()) {
      if (at % 10 !== 1) expect(text.endsWith(DONE_CHUNK)).toBe(true);
    }
    await eventually("no stream of the provider is open", () => streaming === 0);
    await eventually("every call is recorded", () => broker.usage.length === round * STREAMS);
    const before = sockets[0] ?? Number.POSITIVE_INFINITY;
    await eventually("the sockets are closed", () => openSockets() <= before + SOCKETS_KEPT_MAX);
    sockets.push(openSockets());
    Bun.gc(true);
    memory.push(process.memoryUsage.rss());
  }
  const left = broker.usage.filter(({ status }) => status === 499).length;
  expect(left).toBe((ROUNDS * STREAMS) / 10);
  // The first round fills pools that stay.
  expect((memory.at(-1) ?? 0) - (memory[0] ?? 0)).toBeLessThan(GROWTH_BYTES_MAX);
}, 60_000);

/** Of ten callers one reads slowly and one leaves in the middle. */
async function read(kind: number, run: number): Promise<string> {
  const caller = new AbortController();
  const response = await broker.post({ ...QUESTION, stream: true }, { signal: caller.signal, run });
  const reader = response.body?.getReader();
  let text = "";
  for (let reads = 0; ; reads++) {
    if (kind === 0) await Bun.sleep(2);
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) return text;
    text += Buffer.from(value).toString();
    if (kind !== 1 || reads < 5) continue;
    caller.abort();
    return text;
  }
}

/** Of this process: callers, broker and provider, at both ends. */
function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => linkOf(fd).startsWith("socket:")).length;
}

/** A file may be closed between the list and the look. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
