/**
 * A provider that always says the same, as a program of its own: `bun upstream-process.ts`. Its first line of output is its
 * port. A request whose last message is `stream N` gets N events of one token, one each 20 ms (50 tokens/s).
 */
const REPLY = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1,
  model: "bench-1",
  choices: [{ index: 0, message: { role: "assistant", content: "constant" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 2_000, completion_tokens: 5, total_tokens: 2_005 },
});
const EVENT_MS = 20;
const JSON_TYPE = { headers: { "Content-Type": "application/json" } };
const SSE_TYPE = { headers: { "Content-Type": "text/event-stream" } };
const token = Buffer.from(
  `data: ${JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1,
    model: "bench-1",
    choices: [{ index: 0, delta: { content: " token" }, finish_reason: null }],
  })}\n\n`,
);
const usage = { prompt_tokens: 2_000, completion_tokens: 5, total_tokens: 2_005 };
const ending = Buffer.from(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);

const steps = new Set<() => void>();
setInterval(() => {
  for (const step of steps) step();
}, EVENT_MS);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  async fetch(request) {
    const tokens = /"stream (\d+)"/.exec(await request.text())?.[1];
    return tokens === undefined
      ? new Response(REPLY, JSON_TYPE)
      : new Response(streamOf(Number(tokens)), SSE_TYPE);
  },
});
process.stdout.write(`${server.port}\n`);

function streamOf(tokens: number): ReadableStream<Uint8Array> {
  let left = tokens;
  let step = () => {};
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(token);
      step = () => {
        if (left-- > 0) return controller.enqueue(token);
        steps.delete(step);
        controller.enqueue(ending);
        controller.close();
      };
      steps.add(step);
    },
    cancel: () => void steps.delete(step),
  });
}
