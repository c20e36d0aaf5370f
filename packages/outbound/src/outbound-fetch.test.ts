import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { AppError } from "@windshift/contract/app-error.ts";
import {
  INSIDE_ADDRESSES,
  LOOPBACK_SPELLINGS,
  METADATA_HOSTS,
  STRANGE_URLS,
} from "./inside-addresses.fixture.ts";
import type { Lookup } from "./outbound-address.ts";
import { createOutboundFetch } from "./outbound-fetch.ts";
import { type PrivateHost, parsePrivateHosts } from "./private-hosts.ts";

/** A service inside the network, and every request that reached it. */
const seen: string[] = [];
let inner: ReturnType<typeof Bun.serve>;
beforeAll(() => {
  inner = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      seen.push(`${request.headers.get("host")} ${new URL(request.url).pathname}`);
      if (request.url.endsWith("/chain"))
        return new Response(null, { status: 307, headers: { location: "/away" } });
      if (request.url.endsWith("/away")) return Response.redirect("http://169.254.169.254/latest/meta-data");
      return new Response("inner");
    },
  });
});
afterAll(() => inner.stop(true));

function listed(text: string): PrivateHost[] {
  const hosts = parsePrivateHosts(text);
  if ("bad" in hosts) throw new Error(hosts.bad);
  return hosts;
}

/** Names of the test and what they lead to, one answer after the other. */
function names(answers: Record<string, string[][]>): Lookup {
  return async (hostname) => {
    const next = answers[hostname]?.shift();
    if (next === undefined || next.length === 0) throw new Error("ENOTFOUND");
    return next;
  };
}

function refusalOf(work: Promise<Response>): Promise<{ code: string; message: string }> {
  return work.then(
    (response) => ({ code: `answered ${response.status}`, message: "" }),
    (error: unknown) => {
      if (error instanceof AppError) return { code: error.code, message: error.message };
      throw error;
    },
  );
}

describe("WB-09 an address inside the network is not reached", () => {
  for (const spelling of [...LOOPBACK_SPELLINGS, ...INSIDE_ADDRESSES])
    test(spelling, async () => {
      const before = seen.length;
      const guarded = createOutboundFetch({ privateHosts: [] });
      const refusal = await refusalOf(guarded(spelling.replace("PORT", String(inner.port))));
      expect(refusal.code).toBe("forbidden");
      expect(seen).toHaveLength(before);
    });

  test("what a name leads to is held to the same, zone or not, whatever stands beside it", async () => {
    for (const { hostname } of [...INSIDE_ADDRESSES].map((text) => new URL(text)))
      for (const found of [[hostname], ["8.8.8.8", hostname], [`${hostname}%eth0`]]) {
        const addresses = found.map((text) => text.replaceAll(/[[\]]/g, ""));
        const guarded = createOutboundFetch({ privateHosts: [] }, names({ "a.test": [addresses] }));
        const refusal = await refusalOf(guarded("http://a.test/"));
        expect([addresses, refusal.code]).toEqual([addresses, "forbidden"]);
      }
  });

  test("the refusal names the host, the port and the setting", async () => {
    const guarded = createOutboundFetch({ privateHosts: [] });
    expect(await refusalOf(guarded("http://10.1.2.3:11434/v1"))).toEqual({
      code: "forbidden",
      message:
        "10.1.2.3:11434 is a private address; an administrator can allow it with WINDSHIFT_PRIVATE_HOSTS=10.1.2.3:11434.",
    });
  });

  for (const address of STRANGE_URLS)
    test(`${address} is refused`, async () => {
      let lookups = 0;
      const lookup: Lookup = async () => {
        lookups++;
        return ["8.8.8.8"];
      };
      const guarded = createOutboundFetch({ privateHosts: [] }, lookup);
      expect((await refusalOf(guarded(address))).code).toBe("forbidden");
      expect(lookups).toBe(0);
    });

  for (const port of [25, 22, 6379, 11211])
    test(`port ${port} is refused, also of a public host`, async () => {
      const guarded = createOutboundFetch({ privateHosts: [] }, names({ "a.test": [["8.8.8.8"]] }));
      expect((await refusalOf(guarded(`http://a.test:${port}/`))).message).toContain(`a.test:${port}`);
    });

  test("a name with one private address among public ones is refused", async () => {
    const guarded = createOutboundFetch({ privateHosts: [] }, names({ "a.test": [["8.8.8.8", "10.0.0.1"]] }));
    expect((await refusalOf(guarded("http://a.test/"))).code).toBe("forbidden");
  });

  test("a name that leads inside between check and dial is not followed: it is asked for once", async () => {
    const lookup = names({ "a.test": [["127.0.0.1"], ["10.0.0.1"]] });
    const port = Number(inner.port);
    const guarded = createOutboundFetch({ privateHosts: listed(`a.test:${port}`) }, lookup);
    expect(await (await guarded(`http://a.test:${port}/once`)).text()).toBe("inner");
    expect(seen.at(-1)).toBe(`a.test:${port} /once`);
  });

  test("a name that cannot be resolved at the check is not resolved later", async () => {
    const guarded = createOutboundFetch({ privateHosts: [] }, names({ localhost: [[]] }));
    const before = seen.length;
    expect((await refusalOf(guarded(`http://localhost:${inner.port}/`))).code).toBe("upstream_failed");
    expect(seen).toHaveLength(before);
  });

  test("a name that cannot be resolved and then leads inside is checked anew", async () => {
    const guarded = createOutboundFetch({ privateHosts: [] }, names({ "a.test": [[], ["127.0.0.1"]] }));
    const before = seen.length;
    expect((await refusalOf(guarded(`http://a.test:${inner.port}/`))).code).toBe("upstream_failed");
    expect((await refusalOf(guarded(`http://a.test:${inner.port}/`))).code).toBe("forbidden");
    expect(seen).toHaveLength(before);
  });

  test("a name that was public and now leads inside is checked anew", async () => {
    const port = Number(inner.port);
    const lookup = names({ "a.test": [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.2", "10.0.0.1"]] });
    const policy = listed(`a.test:${port}`);
    const guarded = createOutboundFetch({ privateHosts: policy }, lookup);
    expect((await guarded(`http://a.test:${port}/`)).ok).toBe(true);
    expect((await refusalOf(guarded(`http://a.test:${port}/`))).message).toContain("metadata service");
    const strict = createOutboundFetch({ privateHosts: [] }, lookup);
    expect((await refusalOf(strict(`http://a.test:${port}/`))).code).toBe("forbidden");
  });

  test("who gives up while a name is looked up is let go, and nothing is dialed when the name is found", async () => {
    const found = Promise.withResolvers<readonly string[]>();
    const port = Number(inner.port);
    const guarded = createOutboundFetch({ privateHosts: listed(`a.test:${port}`) }, () => found.promise);
    const caller = new AbortController();
    const call = guarded(`http://a.test:${port}/late`, { signal: caller.signal });
    caller.abort(new Error("the caller left"));
    expect(await call.catch((error: Error) => error.message)).toBe("the caller left");
    found.resolve(["127.0.0.1"]);
    await found.promise;
    expect(await (await guarded(`http://a.test:${port}/next`)).text()).toBe("inner");
    expect(seen.join()).not.toContain("/late");
  });

  test("a redirect is given back and not followed, and each address of a chain is checked by itself", async () => {
    const guarded = createOutboundFetch({ privateHosts: listed(`127.0.0.1:${inner.port}`) });
    const start = `http://127.0.0.1:${inner.port}/chain`;
    const before = seen.length;
    const first = await guarded(start, { redirect: "follow" });
    expect([first.status, seen.length]).toEqual([307, before + 1]);
    const second = await guarded(new URL(first.headers.get("location") ?? "", start), { redirect: "follow" });
    expect(second.status).toBe(302);
    const refusal = await refusalOf(guarded(second.headers.get("location") ?? ""));
    expect(refusal.message).toContain("metadata service");
  });
});

describe("WB-10 one host on the allow-list opens nothing else", () => {
  test("the listed host and port is reached, as address and as Request", async () => {
    const guarded = createOutboundFetch({ privateHosts: listed(`127.0.0.1:${inner.port}`) });
    expect(await (await guarded(`http://127.0.0.1:${inner.port}/a`)).text()).toBe("inner");
    const request = new Request(`http://127.0.0.1:${inner.port}/b`, { method: "POST", body: "x" });
    const response = await guarded(request);
    expect([await response.text(), response.url]).toEqual(["inner", request.url]);
  });

  test("what was reached once opens nothing else: no other port, name, scheme or credential", async () => {
    const { port } = inner;
    const guarded = createOutboundFetch({ privateHosts: listed(`127.0.0.1:${port}`) });
    for (const path of ["a", "b"])
      expect(await (await guarded(new URL(`http://127.0.0.1:${port}/${path}`))).text()).toBe("inner");
    const before = seen.length;
    for (const address of [
      `http://127.0.0.1:${Number(port) + 1}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://localhost:${port}/`,
      `http://u:p@127.0.0.1:${port}/`,
      `http://u@127.0.0.1:${port}/`,
      `blob:http://127.0.0.1:${port}/a`,
      `ftp://127.0.0.1:${port}/`,
    ])
      expect((await refusalOf(guarded(address))).code).toBe("forbidden");
    expect(seen).toHaveLength(before);
    const inside = guarded(`http://127.0.0.1:${port}/host`, { headers: { host: "evil.test" } });
    expect((await inside).ok).toBe(true);
    expect(seen.at(-1)).toBe(`127.0.0.1:${port} /host`);
  });

  test("another port, another address and a name for the listed address are not", async () => {
    const port = Number(inner.port);
    const lookup = names({ "alias.test": [["127.0.0.1"]] });
    const guarded = createOutboundFetch({ privateHosts: listed(`127.0.0.1:${port}`) }, lookup);
    for (const address of [
      `http://127.0.0.1:${port + 1}/`,
      `http://127.0.0.2:${port}/`,
      `http://alias.test:${port}/`,
    ])
      expect((await refusalOf(guarded(address))).code).toBe("forbidden");
  });

  for (const address of METADATA_HOSTS)
    test(`the metadata service ${address} is refused although it is listed, by itself and behind a name`, async () => {
      const found = [new URL(`http://${address}`).hostname.replaceAll(/[[\]]/g, "")];
      const lookup = names({ "metadata.google.internal": [found, found] });
      const guarded = createOutboundFetch(
        { privateHosts: listed(`${address}, metadata.google.internal`) },
        lookup,
      );
      for (const host of [address, "metadata.google.internal", "Metadata.Google.INTERNAL."])
        expect((await refusalOf(guarded(`http://${host}/`))).message).toContain("metadata service");
      expect((await refusalOf(createOutboundFetch({ privateHosts: [] })(`http://${address}/`))).code).toBe(
        "forbidden",
      );
    });

  test("a listed name leads to no other private address with the metadata service among them", async () => {
    const lookup = names({ "a.test": [["10.0.0.1", "64:ff9b::a9fe:a9fe"]] });
    const guarded = createOutboundFetch({ privateHosts: listed("a.test") }, lookup);
    expect((await refusalOf(guarded("http://a.test/"))).message).toContain("metadata service");
  });

  test("the listed address in its other notations is the same address; within IPv6 it is another", async () => {
    const port = Number(inner.port);
    const guarded = createOutboundFetch({ privateHosts: listed(`127.0.0.1:${port}`) });
    for (const same of ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1."])
      expect(await (await guarded(`http://${same}:${port}/`)).text()).toBe("inner");
    for (const other of ["[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[::1]", "0"])
      expect((await refusalOf(guarded(`http://${other}:${port}/`))).code).toBe("forbidden");
  });

  test("every other address inside stays closed", async () => {
    const guarded = createOutboundFetch({ privateHosts: listed("127.0.0.9") });
    for (const address of [...LOOPBACK_SPELLINGS, ...INSIDE_ADDRESSES]) {
      const refusal = await refusalOf(guarded(address.replace("PORT", String(inner.port))));
      expect([address, refusal.code]).toEqual([address, "forbidden"]);
    }
  });

  test("a listed name that leads to a metadata service is refused", async () => {
    const lookup = names({ "metadata.test": [["169.254.169.254"]] });
    const guarded = createOutboundFetch({ privateHosts: listed("metadata.test") }, lookup);
    expect((await refusalOf(guarded("http://metadata.test/"))).message).toContain("metadata service");
  });
});

describe("TLS", () => {
  test("a certificate is held to the name, not to the dialed address", async () => {
    const { key, cert, ca } = await certificateFor("good.test");
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { key, cert },
      fetch: () => new Response("tls"),
    });
    const lookup: Lookup = async () => ["127.0.0.1"];
    const privateHosts = listed(`good.test:${server.port}, evil.test:${server.port}`);
    const guarded = createOutboundFetch({ privateHosts }, lookup);
    const tls = { tls: { ca } } as RequestInit;
    expect(await (await guarded(`https://good.test:${server.port}/`, tls)).text()).toBe("tls");
    expect(guarded(`https://evil.test:${server.port}/`, tls)).rejects.toThrow("ALTNAME");
  });
});

/** A certificate for one name, signed by a throw-away authority. */
async function certificateFor(name: string): Promise<{ key: string; cert: string; ca: string }> {
  const { tempDir } = await import("@windshift/testing/temp-dir.ts");
  using dir = tempDir();
  const script = `set -e; cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj "/CN=$2"
printf 'subjectAltName=DNS:%s' "$2" > names
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names`;
  const child = Bun.spawn(["sh", "-c", script, "certificate", dir.path, name], {
    stderr: "pipe",
    stdout: "ignore",
  });
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
  const read = (file: string) => Bun.file(`${dir.path}/${file}`).text();
  const [key, cert, ca] = await Promise.all([read("key.pem"), read("cert.pem"), read("ca.pem")]);
  return { key, cert, ca };
}

test("the allow-list is read, and what cannot be read is named", () => {
  expect(parsePrivateHosts(" Ollama.LAN:11434 ,10.0.0.5,[::1]:80, 127.0.0.1:* ,")).toEqual([
    { host: "ollama.lan", port: 11_434 },
    { host: "10.0.0.5", port: undefined },
    { host: "[::1]", port: 80 },
    { host: "127.0.0.1", port: undefined },
  ]);
  for (const bad of ["http://a", "a:0", "a:99999", "a b", "-a", "*", "10.0.0.0/8"])
    expect(parsePrivateHosts(`ok.test, ${bad}`)).toEqual({ bad });
});
