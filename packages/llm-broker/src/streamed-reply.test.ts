import { afterEach, describe, expect, test } from "bun:test";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { chunk, QUESTION, startBroker, startProvider, within, writableStream } from "./llm-broker.fixture.ts";
import { startRawProvider } from "./raw-provider.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
/** What sockets on the way may hold, bytes; a machine with large buffers holds some MiB. */
const HELD_BYTES_MAX = 64 * 1_048_576;
const STREAM = { ...QUESTION, stream: true };

async function refusal(response: Response) {
  return { status: response.status, ...ErrorBody.parse(await response.json()).error };
}
/** The last event of a stream, which must be an error of ours and not `[DONE]`. */
function lastError(text: string): string {
  expect(text).not.toContain("[DONE]");
  const last = text.trim().split("\n").at(-1) ?? "";
  return ErrorBody.parse(JSON.parse(last.replace(/^data: /, ""))).error.code;
}

describe("streams", () => {
  test("each event reaches the agent before the next one is made", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const broker = keep(startBroker(provider.url));
    stream.write(chunk("one"));
    const reader = (await broker.post(STREAM)).body?.getReader();
    for (const word of ["one", "two", "three"]) {
      const read = await within(1_000, word, reader?.read() ?? Promise.reject());
      expect(Buffer.from(read.value ?? []).toString()).toContain(word);
      stream.write(word === "one" ? chunk("two") : chunk("three"));
    }
    await reader?.cancel();
  });

  test("LB-10 a caller that leaves before the first byte closes the provider's connection", async () => {
    const left = Promise.withResolvers<void>();
    const provider = keep(
      startProvider((request) => {
        request.signal.addEventListener("abort", () => left.resolve());
        return new Promise<Response>(() => {});
      }),
    );
    const broker = keep(startBroker(provider.url));
    const caller = new AbortController();
    const call = broker.post(STREAM, { signal: caller.signal }).catch(() => "left");
    await eventually("the provider is called", () => provider.seen.length === 1);
    caller.abort();
    expect(await call).toBe("left");
    await within(1_000, "the provider sees the connection close", left.promise);
    await eventually("the call is recorded", () => broker.usage.length === 1);
    expect(broker.usage).toMatchObject([{ status: 499, estimated: true }]);
  });

  test("LB-10 a caller that leaves mid-stream closes it too, and the usage is estimated", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const broker = keep(startBroker(provider.url));
    stream.write(chunk("one"));
    const caller = new AbortController();
    const response = await broker.post(STREAM, { signal: caller.signal });
    await response.body?.getReader().read();
    caller.abort();
    await within(1_000, "the provider sees the connection close", stream.gone);
    await eventually("the call is recorded", () => broker.usage.length === 1);
    expect(broker.usage).toMatchObject([{ status: 499, estimated: true }]);
  });

  test("LB-11 a stream that is cut ends in an error event after whole events only", async () => {
    for (const ending of ["reset", "half_line", "clean_without_done"] as const) {
      const provider = keep(await startRawProvider(ending));
      const broker = keep(startBroker(provider.url));
      const reader = (await broker.post(STREAM)).body?.getReader();
      const first = Buffer.from((await reader?.read())?.value ?? []).toString();
      expect(first).toBe(chunk("one"));
      provider.cut();
      let rest = "";
      for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
        rest += Buffer.from(read.value).toString();
      }
      expect(rest).not.toContain("tw");
      expect(lastError(rest)).toBe("upstream_failed");
      expect(broker.usage).toMatchObject([{ status: 502, estimated: true }]);
    }
  });

  test("LB-11 a document that is cut is 502, never half a reply", async () => {
    const provider = keep(await startRawProvider("document"));
    const broker = keep(startBroker(provider.url));
    expect(await refusal(await broker.post(QUESTION))).toMatchObject({
      status: 502,
      code: "upstream_failed",
    });
    expect(broker.usage).toMatchObject([{ status: 502 }]);
  });

  test("LB-15 the end of the run cuts its stream and the provider's connection", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const broker = keep(startBroker(provider.url));
    stream.write(chunk("one"));
    const text = (await broker.post(STREAM)).text();
    await eventually("the stream is open", () => provider.seen.length === 1);
    broker.endRun.abort();
    await within(2_000, "the provider sees the connection close", stream.gone);
    expect(lastError(await within(2_000, "the caller's stream ends", text))).toBe("run_ended");
    expect(broker.usage).toMatchObject([{ status: 403 }]);
  });

  test("LB-15 the end of the run also ends the wait for a reply", async () => {
    const provider = keep(startProvider(() => new Promise<Response>(() => {})));
    const broker = keep(startBroker(provider.url));
    const call = broker.post(QUESTION);
    await eventually("the provider is called", () => provider.seen.length === 1);
    broker.endRun.abort();
    expect(await refusal(await within(2_000, "an answer", call))).toMatchObject({
      status: 403,
      code: "run_ended",
    });
  });

  test("a provider that falls silent is given up with an error event", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const broker = keep(startBroker(provider.url, { limits: { idleMsMax: 50 } }));
    stream.write(chunk("one"));
    expect(lastError(await (await broker.post(STREAM)).text())).toBe("timed_out");
  });

  test("a line without end is given up, so memory stays bounded", async () => {
    const stream = writableStream();
    const provider = keep(startProvider(() => stream.response()));
    const broker = keep(startBroker(provider.url, { limits: { lineBytesMax: 10_000 } }));
    stream.write(chunk("one"));
    stream.write(`data: ${"x".repeat(20_000)}`);
    expect(lastError(await (await broker.post(STREAM)).text())).toBe("upstream_failed");
    await within(1_000, "the provider sees the connection close", stream.gone);
  });

  test("a caller that stops reading stops the provider", async () => {
    let written = 0;
    const event = chunk("z".repeat(60_000));
    const provider = keep(
      startProvider(
        () =>
          new Response(
            new ReadableStream({
              // Without an end of its own, a failure of this test would fill the machine.
              pull: (controller) => {
                if (written > 2 * HELD_BYTES_MAX) return controller.close();
                written += event.length;
                controller.enqueue(Buffer.from(event));
              },
            }),
            { headers: { "Content-Type": "text/event-stream" } },
          ),
      ),
    );
    const broker = keep(startBroker(provider.url));
    const reader = (await broker.post(STREAM)).body?.getReader();
    await reader?.read();
    let before = -1;
    await eventually("the provider is held back", () => {
      const still = written === before;
      before = written;
      return still;
    });
    expect(written).toBeLessThan(HELD_BYTES_MAX);
    await reader?.cancel();
  });
});
