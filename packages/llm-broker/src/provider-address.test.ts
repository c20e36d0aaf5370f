import { afterEach, describe, expect, test } from "bun:test";
import { AppError, ErrorBody } from "@windshift/contract/app-error.ts";
import { createOutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { parsePrivateHosts } from "@windshift/outbound/private-hosts.ts";
import { PROVIDER_KEY, QUESTION, startBroker, startProvider } from "./llm-broker.fixture.ts";
import { providerUrl } from "./provider-call.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

/** The way out as the server wires it, with these private hosts allowed. */
function guarded(hosts: string, addresses: Record<string, string[]> = {}) {
  const privateHosts = parsePrivateHosts(hosts);
  if ("bad" in privateHosts) throw new Error(privateHosts.bad);
  return createOutboundFetch({ privateHosts }, async (name) => addresses[name] ?? []);
}

describe("LB-03 through the guarded way out", () => {
  test("no private address is dialed, however it is written", async () => {
    const inside = keep(startProvider(() => Response.json({ choices: [] })));
    const { port } = new URL(inside.url);
    const names = { "rebound.test": ["127.0.0.1"], "both.test": ["203.0.113.9", "10.0.0.1"] };
    const addresses = [
      inside.url,
      `http://localhost:${port}`,
      `http://2130706433:${port}`,
      `http://0x7f.1:${port}`,
      `http://127.1:${port}`,
      `http://[::1]:${port}`,
      `http://[::ffff:127.0.0.1]:${port}`,
      `http://10.0.0.1:${port}`,
      `http://192.168.1.1:${port}`,
      `http://169.254.169.254`,
      `http://rebound.test:${port}`,
      `http://both.test:${port}`,
    ];
    for (const address of addresses) {
      const broker = keep(
        startBroker(address, { fetch: guarded("", { localhost: ["127.0.0.1"], ...names }) }),
      );
      const response = await broker.post(QUESTION);
      expect([address, response.status]).toEqual([address, 403]);
      expect(ErrorBody.parse(await response.json()).error.code).toBe("forbidden");
      expect(broker.usage).toMatchObject([{ status: 403, usage: { inputTokens: 0 } }]);
    }
    expect(inside.seen).toEqual([]);
  });

  test("exactly the allowed host and port is, and a redirect from there is not followed", async () => {
    const inside = keep(startProvider(() => Response.json({ choices: [] })));
    const { host, port } = new URL(inside.url);
    const allowed = keep(startBroker(inside.url, { fetch: guarded(host) }));
    expect((await allowed.post(QUESTION)).status).toBe(200);
    const otherPort = keep(startBroker(inside.url, { fetch: guarded(`127.0.0.1:${Number(port) + 1}`) }));
    expect((await otherPort.post(QUESTION)).status).toBe(403);
    const metadata = keep(startBroker("http://169.254.169.254", { fetch: guarded("169.254.169.254:80") }));
    expect((await metadata.post(QUESTION)).status).toBe(403);
    const away = keep(startProvider(() => Response.redirect(`${inside.url}/stolen`, 307)));
    const redirected = keep(startBroker(away.url, { fetch: guarded(`${new URL(away.url).host},${host}`) }));
    expect((await redirected.post(QUESTION)).status).toBe(502);
    expect(inside.seen).toHaveLength(1);
  });

  test("a name that changes its address between two calls is looked at each time; metadata is never dialed", async () => {
    const inside = keep(startProvider(() => Response.json({ choices: [] })));
    const { port } = new URL(inside.url);
    const answers = [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["127.0.0.1"]];
    const privateHosts = parsePrivateHosts(`rebound.test:${port}`);
    if ("bad" in privateHosts) throw new Error(privateHosts.bad);
    let looks = 0;
    const outbound = createOutboundFetch({ privateHosts }, async () => answers[looks++] ?? []);
    const broker = keep(startBroker(`http://rebound.test:${port}`, { fetch: outbound }));
    const statuses: number[] = [];
    for (const _ of answers) statuses.push((await broker.post(QUESTION)).status);
    expect(statuses).toEqual([200, 403, 403, 200]);
    // One look a call: what was checked is what was dialed, and nothing asked again in between.
    expect([looks, inside.seen.length]).toEqual([4, 2]);
  });
});

test("LB-04 the stored address can hold nothing that moves the request elsewhere", () => {
  for (const address of [
    "https://api.test@evil.test",
    "https://user:pw@api.test",
    "https://api.test?x=/v1",
    "https://api.test/?",
    "https://api.test#/v1",
    "ftp://api.test",
    "javascript:0",
    "",
  ]) {
    expect([address, fails(() => providerUrl(address, "/v1/messages"))]).toEqual([
      address,
      address === "https://api.test/?" ? undefined : "upstream_failed",
    ]);
  }
  const paths: [string, string][] = [
    ["https://api.test/a/../b", "https://api.test/b/v1/messages"],
    ["https://api.test/%2e%2e/b", "https://api.test/b/v1/messages"],
    ["https://api.test//evil.test", "https://api.test//evil.test/v1/messages"],
    ["https://api.test\\evil.test", "https://api.test/evil.test/v1/messages"],
  ];
  for (const [given, url] of paths) expect(providerUrl(given, "/v1/messages").href).toBe(url);
});

test("LB-06 a key in the query of the address is not used, and neither said nor logged", async () => {
  const broker = keep(startBroker(`https://api.test/v1?key=${PROVIDER_KEY}`));
  const response = await broker.post(QUESTION);
  expect(response.status).toBe(502);
  const lines = broker.log.map(({ fields, message }) => [message, Bun.inspect(fields)]);
  expect(lines.length).toBeGreaterThan(0);
  expect(JSON.stringify([await response.text(), [...response.headers], lines])).not.toContain(PROVIDER_KEY);
});

test("LB-06 what the runtime says of a real failure names neither key nor address", async () => {
  const plain = keep(startProvider(() => Response.json({ choices: [] })));
  const mute = keep(startProvider(() => new Promise<Response>(() => {})));
  const gone = startProvider(() => new Response());
  await gone.close();
  // Of a TLS handshake with what speaks none, a host that says nothing, and one where nobody listens.
  for (const address of [plain.url.replace("http:", "https:"), mute.url, gone.url]) {
    const broker = keep(startBroker(`${address}/private-path`, { limits: { headerMsMax: 500 } }));
    const response = await broker.post(QUESTION);
    expect([502, 504]).toContain(response.status);
    const said = await response.text();
    expect(said).not.toContain("private-path");
    const lines = broker.log.map(({ fields, message }) => [message, Bun.inspect(fields)]);
    expect(JSON.stringify([said, lines])).not.toContain(PROVIDER_KEY);
  }
});

test("LB-06 no address with a key in it reaches an error, whatever fails", async () => {
  const failures = [
    new Error(`connect failed: https://api.test/v1?key=${PROVIDER_KEY}`),
    new TypeError(`bad certificate for https://user:${PROVIDER_KEY}@api.test/`),
    Object.assign(new Error("fetch failed"), {
      cause: new Error(PROVIDER_KEY),
      path: `/x?key=${PROVIDER_KEY}`,
    }),
  ];
  for (const failure of failures) {
    const broker = keep(startBroker("https://api.test", { fetch: () => Promise.reject(failure) }));
    const response = await broker.post(QUESTION);
    expect(response.status).toBe(502);
    const lines = broker.log.map(({ fields, message }) => [message, Bun.inspect(fields)]);
    expect(
      JSON.stringify([await response.text(), lines, Bun.inspect(broker.usage[0]?.target)]),
    ).not.toContain(PROVIDER_KEY);
  }
  for (const status of [404, 500]) {
    const echo = keep(
      startProvider((request) => new Response(`no ${request.url}?key=${PROVIDER_KEY}`, { status })),
    );
    const broker = keep(startBroker(echo.url));
    expect(await (await broker.post(QUESTION)).text()).not.toContain(PROVIDER_KEY);
  }
});

function fails(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return error instanceof AppError ? error.code : "not ours";
  }
  return undefined;
}
