/**
 * A provider for the soak, as a program of its own: `bun provider-process.ts`. Its first line of output is its port; a line
 * on stdin asks how many streams are open. A request that says `steady` gets one event each 200 ms for ten seconds, one that
 * says `flood` gets 4 MiB as fast as they are read.
 */
export {};

const EVENT_MS = 200;
const STEADY_EVENTS = 50;
/** One event of a flood, bytes, and all of it: more than the sockets on the way hold, so a slow reader holds the provider back. */
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
    const body = (await request.text()).includes("flood") ? flooding() : steady();
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  },
});
process.stdout.write(`${server.port}\n`);
for await (const _ of console) process.stdout.write(`${open}\n`);

function eventOf(content: string): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
}

function steady(): ReadableStream<Uint8Array> {
  let left = STEADY_EVENTS;
  let step = () => {};
  return counted({
    start: (controller) => {
      step = () => {
        controller.enqueue(left-- > 0 ? word : ending);
        if (left >= 0) return;
        steps.delete(step);
        open--;
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
