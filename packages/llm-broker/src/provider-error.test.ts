import { afterEach, describe, expect, test } from "bun:test";
import { ErrorBody } from "@windshift/contract/app-error.ts";
import { QUESTION, startBroker, startProvider, within } from "./llm-broker.fixture.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}
async function refusal(response: Response) {
  return { status: response.status, ...ErrorBody.parse(await response.json()).error };
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
      expect(broker.usage).toMatchObject([{ status, usage: { inputTokens: 0 } }]);
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
