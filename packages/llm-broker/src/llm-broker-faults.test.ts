import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import {
  type BrokerFixture,
  chunk,
  DONE_CHUNK,
  eventually,
  PROVIDER_KEY,
  QUESTION,
  startBroker,
  startProvider,
  USAGE_CHUNK,
  within,
  writableStream,
} from "./llm-broker.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
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

describe("errors of the provider", () => {
  test("passes the statuses an agent acts on and hides the rest behind 502", async () => {
    const expected: [number, number, string][] = [
      [400, 400, "invalid_input"],
      [402, 502, "upstream_failed"],
      [403, 502, "upstream_failed"],
      [404, 404, "not_found"],
      [408, 408, "timed_out"],
      [409, 409, "conflict"],
      [413, 413, "too_large"],
      [418, 502, "upstream_failed"],
      [422, 422, "invalid_input"],
      [429, 429, "rate_limited"],
      [500, 500, "upstream_failed"],
      [503, 503, "upstream_failed"],
      [529, 529, "upstream_failed"],
    ];
    for (const [given, status, code] of expected) {
      const provider = keep(
        startProvider(() => Response.json({ error: { message: "why" } }, { status: given })),
      );
      const broker = keep(startBroker(provider.url));
      expect(await refusal(await broker.post(QUESTION))).toMatchObject({ status, code });
      expect(broker.usage).toMatchObject([{ status, inputTokens: null }]);
    }
  });

  test("keeps the code and the words of an overflowing context, whoever says it", async () => {
    const said = [
      { error: { message: "too long", code: "context_length_exceeded" } },
      { error: { message: "the request exceeds", type: "exceed_context_size_error", code: 400 } },
      { message: "This model's maximum context length is 4096 tokens." },
    ];
    for (const body of said) {
      const provider = keep(startProvider(() => Response.json(body, { status: 400 })));
      const broker = keep(startBroker(provider.url));
      expect(await refusal(await broker.post(QUESTION))).toMatchObject({
        status: 400,
        code: "context_length_exceeded",
        message: expect.stringContaining(body.message ?? body.error?.message ?? ""),
      });
    }
  });

  test("passes Retry-After and the request id, and no other header", async () => {
    const headers = { "Retry-After": "7", "X-Request-Id": "req_1", "X-Internal": "a", "Set-Cookie": "a=b" };
    const provider = keep(
      startProvider(() => Response.json({ error: "slow down" }, { status: 429, headers })),
    );
    const broker = keep(startBroker(provider.url));
    const response = await broker.post(QUESTION);
    const own = ["content-length", "date", "cache-control", "content-type"];
    expect([...response.headers.keys()].filter((name) => !own.includes(name)).sort()).toEqual([
      "retry-after",
      "x-context-window",
      "x-request-id",
    ]);
  });

  test("cuts a long message and drops a page of HTML", async () => {
    const long = keep(startProvider(() => Response.json({ error: "y".repeat(100_000) }, { status: 400 })));
    const { message } = await refusal(await keep(startBroker(long.url)).post(QUESTION));
    expect(message.length).toBeLessThan(2_200);
    const page = keep(startProvider(() => new Response("<html>secret-host</html>", { status: 404 })));
    const shown = await refusal(await keep(startBroker(page.url)).post(QUESTION));
    expect(shown.message).toBe("The model provider answered 404.");
  });

  test("answers 502 to a redirect and does not follow it", async () => {
    const target = keep(startProvider(() => Response.json({ choices: [] })));
    for (const status of [301, 302, 307, 308]) {
      const provider = keep(startProvider(() => Response.redirect(`${target.url}/x`, status)));
      const broker = keep(startBroker(provider.url));
      const shown = await refusal(await broker.post(QUESTION));
      expect(shown).toMatchObject({ status: 502, code: "upstream_failed" });
      expect(shown.message).not.toContain(target.url);
    }
    expect(target.seen).toEqual([]);
  });

  test("answers 502 when nothing listens, when the reply is a page, and to an address no key may go to", async () => {
    const gone = startProvider(() => new Response());
    await gone.close();
    const page = keep(
      startProvider(() => new Response("<html>", { headers: { "Content-Type": "text/html" } })),
    );
    const host = new URL(page.url).host;
    const addresses = [
      gone.url,
      page.url,
      `http://user:pw@${host}`,
      `${page.url}?key=1`,
      "file:///etc/passwd",
      "x",
    ];
    for (const address of addresses) {
      const broker = keep(startBroker(address));
      expect(await refusal(await broker.post(QUESTION))).toMatchObject({
        status: 502,
        code: "upstream_failed",
      });
    }
    expect(page.seen.length).toBe(1);
  });

  test("answers 504 when no response header comes in time, and closes the connection", async () => {
    const left = Promise.withResolvers<void>();
    const provider = keep(
      startProvider((request) => {
        request.signal.addEventListener("abort", () => left.resolve());
        return new Promise<Response>(() => {});
      }),
    );
    const broker = keep(startBroker(provider.url, { limits: { headerMsMax: 50 } }));
    expect(await refusal(await broker.post(QUESTION))).toMatchObject({ status: 504, code: "timed_out" });
    await within(1_000, "the provider sees the connection close", left.promise);
    expect(broker.usage).toMatchObject([{ status: 504 }]);
  });
});

describe("LB-05 the provider's key", () => {
  const echo = (request: Request) => request.headers.get("authorization") ?? "";
  const expectNoKey = async (broker: BrokerFixture, response: Response) => {
    const text = await response.text();
    const all = JSON.stringify([[...response.headers], text, broker.log, broker.usage]);
    expect(all).not.toContain(PROVIDER_KEY);
    return text;
  };

  test("is hidden when an error echoes it", async () => {
    for (const status of [400, 401, 404, 500]) {
      const provider = keep(
        startProvider((request) => Response.json({ error: { message: echo(request) } }, { status })),
      );
      const broker = keep(startBroker(provider.url));
      await expectNoKey(broker, await broker.post(QUESTION));
    }
  });

  test("is hidden when a reply or a header echoes it", async () => {
    const provider = keep(
      startProvider((request) =>
        Response.json(
          { choices: [{ message: { content: `you sent ${echo(request)}` } }] },
          {
            headers: {
              "X-Request-Id": PROVIDER_KEY,
              "Retry-After": PROVIDER_KEY,
              Authorization: echo(request),
            },
          },
        ),
      ),
    );
    const broker = keep(startBroker(provider.url));
    expect(await expectNoKey(broker, await broker.post(QUESTION))).toContain("you sent Bearer [redacted]");
  });

  test("is hidden in a stream, however the bytes are split", async () => {
    const whole = chunk(`you sent ${PROVIDER_KEY}, ${PROVIDER_KEY}`) + USAGE_CHUNK + DONE_CHUNK;
    for (const size of [1, 7, 40, 1_000]) {
      const provider = keep(
        startProvider(() => {
          const stream = writableStream();
          for (let at = 0; at < whole.length; at += size) stream.write(whole.slice(at, at + size));
          stream.close();
          return stream.response();
        }),
      );
      const broker = keep(startBroker(provider.url));
      const text = await expectNoKey(broker, await broker.post(STREAM));
      expect(text).toBe(whole.replaceAll(PROVIDER_KEY, "[redacted]"));
      expect(broker.usage).toMatchObject([{ inputTokens: 11, outputTokens: 5 }]);
    }
  });

  test("is hidden when a redirect carries it", async () => {
    const provider = keep(
      startProvider(() => Response.redirect(`http://127.0.0.1:1/?key=${PROVIDER_KEY}`, 302)),
    );
    const broker = keep(startBroker(provider.url));
    await expectNoKey(broker, await broker.post(QUESTION));
  });
});

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
    expect(broker.usage).toMatchObject([{ status: 499, inputTokens: null, outputTokens: null }]);
  });

  test("LB-10 a caller that leaves mid-stream closes it too, and the usage is recorded as not known", async () => {
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
    expect(broker.usage).toMatchObject([{ status: 499, inputTokens: null, outputTokens: null }]);
  });

  test("LB-11 a stream that is cut ends in an error event after whole events only", async () => {
    for (const ending of ["reset", "half_line", "clean_without_done"] as const) {
      const provider = keep(await rawProvider(ending));
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
      expect(broker.usage).toMatchObject([{ status: 502, inputTokens: null }]);
    }
  });

  test("LB-11 a document that is cut is 502, never half a reply", async () => {
    const provider = keep(await rawProvider("document"));
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
              pull: (controller) => {
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
    expect(written).toBeLessThan(64 * 1_048_576);
    await reader?.cancel();
  });
});

type Ending = "reset" | "half_line" | "clean_without_done" | "document";

/** A provider that speaks HTTP by hand, to end its reply in ways a proper server does not. A stream waits for `cut`. */
async function rawProvider(ending: Ending) {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      if (ending === "document") {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"choices":[',
        );
        return;
      }
      socket.write(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
      );
      socket.write(httpChunk(chunk("one")));
      if (ending === "half_line") socket.write(httpChunk(chunk("two").slice(0, 48)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => {
      for (const socket of sockets) {
        if (ending === "reset") socket.resetAndDestroy();
        else socket.end(ending === "clean_without_done" ? "0\r\n\r\n" : "");
      }
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function httpChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
