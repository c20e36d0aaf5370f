import { afterEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { eventually } from "@windshift/testing/eventually.ts";
import { chunk, QUESTION, startBroker, startProvider, targetOf } from "./llm-broker.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Longer than a loaded machine keeps a caller from reading that reads all the time. */
const IDLE_MS_MAX = 1_000;
/** More than sockets and runtime hold, so that a caller which stops reading stops the stream. */
const EVENT = chunk("x".repeat(60_000));

/** A model that never stops; says how many of its streams are open. */
function endlessProvider() {
  let streaming = 0;
  const provider = startProvider(() => {
    streaming++;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(Buffer.from(EVENT)),
      cancel: () => void streaming--,
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  open.push(provider);
  return { provider, streaming: () => streaming };
}

/** A caller that reads its answer's beginning and then nothing, with its connection open. */
function stall(url: string, token: string): { socket: Socket; closed: () => boolean } {
  const body = JSON.stringify({ ...QUESTION, stream: true });
  const { port } = new URL(url);
  let closed = false;
  const socket = connect(Number(port), "127.0.0.1", () => {
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.once("data", () => socket.pause());
  socket.on("close", () => {
    closed = true;
  });
  socket.on("error", () => {});
  open.push({ close: () => socket.destroy() });
  return { socket, closed: () => closed };
}

test("a caller that stops reading loses its call, and its turn at the connection goes to the next run", async () => {
  const { provider, streaming } = endlessProvider();
  const target = { concurrencyMax: 1 };
  const other = startProvider(() => Response.json({ choices: [], usage: {} }));
  open.push(other);
  const broker = startBroker(provider.url, {
    target,
    limits: { idleMsMax: IDLE_MS_MAX },
    otherRuns: [{ ...targetOf(other.url), ...target }],
  });
  open.push(broker);
  const caller = stall(broker.url, broker.token);
  await eventually("the model answers", () => streaming() === 1);
  const next = await broker.post(QUESTION, { run: 1 });
  expect(next.status).toBe(200);
  await eventually("the provider's stream is closed", () => streaming() === 0);
  await eventually("the call is recorded", () => broker.usage.some(({ status }) => status === 499));
  const stalled = broker.usage.find(({ status }) => status === 499);
  expect(stalled).toMatchObject({ runId: broker.grant.runId, estimated: true });
  expect(stalled?.usage.outputTokens).toBeGreaterThan(0);
  caller.socket.resume();
  await eventually("its connection is closed", caller.closed);
}, 60_000);
