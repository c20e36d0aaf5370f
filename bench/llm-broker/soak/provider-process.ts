/**
 * A provider for the soak, as a program of its own: `bun provider-process.ts`. Its first line of output is its port; a line
 * on stdin asks how many streams are open. A request that says `steady` gets one event each 200 ms for ten seconds, one that
 * says `fast` gets 4 MiB at the pace of the fastest models (2,000 tokens/s), one that says `flood` as fast as they are read.
 */
export {};

const EVENT_MS = 200;
const STEADY_EVENTS = 50;
/** Events of a fast stream in one step. */
const FAST_EVENTS = 4;
/** One event of a fast stream or a flood, bytes, and all of it: more than the sockets on the way hold, so a slow reader holds the provider back. */
const FLOOD_EVENT_BYTES = 16_384;
const FLOOD_BYTES = 4 * 1_048_576;

const usage = { prompt_tokens: 20, completion_tokens: STEADY_EVENTS };
const ending = Buffer.from(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
const word = eventOf(" token");
const flood = eventOf("x".repeat(FLOOD_EVENT_BYTES));
let open = 0;
const steps = new Set<() => void>();
setInterval(() => {
  for (const step of [...steps]) step();
}, EVENT_MS);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: async (request) => {
    const text = await request.text();
    const body = text.includes("flood") ? flooding() : text.includes("fast") ? fast() : steady();
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  },
});
process.stdout.write(`${server.port}\n`);
for await (const _ of console) process.stdout.write(`${open}\n`);

function eventOf(content: string): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
}

function steady(): ReadableStream<Uint8Array> {
  return paced(STEADY_EVENTS, 1, word);
}

function fast(): ReadableStream<Uint8Array> {
  return paced(FLOOD_BYTES / FLOOD_EVENT_BYTES, FAST_EVENTS, flood);
}

function paced(events: number, perStep: number, event: Buffer): ReadableStream<Uint8Array> {
  let left = events;
  let step = () => {};
  return counted({
    start: (controller) => {
      step = () => {
        for (let at = 0; at < perStep && left > 0; at++, left--) controller.enqueue(event);
        if (left > 0) return;
        steps.delete(step);
        open--;
        controller.enqueue(ending);
        controller.close();
      };
      steps.add(step);
    },
    cancel: () => void steps.delete(step),
  });
}

function flooding(): ReadableStream<Uint8Array> {
  let left = FLOOD_BYTES;
  return counted({
    pull: (controller) => {
      left -= flood.length;
      controller.enqueue(left > 0 ? flood : ending);
      if (left > 0) return;
      open--;
      controller.close();
    },
  });
}

function counted(source: UnderlyingDefaultSource<Uint8Array>): ReadableStream<Uint8Array> {
  open++;
  return new ReadableStream<Uint8Array>(
    {
      ...source,
      cancel: () => {
        open--;
        source.cancel?.();
      },
    },
    { highWaterMark: 0 },
  );
}
