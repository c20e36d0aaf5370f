import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readServerEvents } from "@windshift/api-client/server-events.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { ensurePackages, findProgram, program } from "../scripts/setup/ensure-packages.ts";
import { freePort } from "../scripts/setup/free-port.ts";
import { ADMIN } from "./product.ts";

/**
 * `bun test ./e2e/caddy-run.ts`: a real Caddy with the file of deploy/compose before a real server, which is what Compose starts but for
 * names and ports. Not part of `npm test`, as Caddy may have to be installed first.
 */
const CADDYFILE = resolve(import.meta.dir, "../deploy/compose/Caddyfile");
/** Caddy may have to be installed first, ms. */
const PREPARE_MS_MAX = 300_000;
const TEST_MS_MAX = 60_000;
const SEEN_MS_MAX = 30_000;
/** More than a proxy that keeps bodies back likes to hold. */
const BODY_BYTES = 20_000_000;
/** What is shorter Caddy would leave as it is anyway. */
const COMPRESSED_CHARS = 512;
const PRETENDED = "203.0.113.77";

const ending = new AsyncDisposableStack();
let url: string;
let ca: string;
let cookie: string | undefined;

beforeAll(async () => {
  const packages = await ensurePackages([program("caddy")], (line) => process.stderr.write(`${line}\n`));
  const caddy = findProgram("caddy");
  if (packages.kind === "missing" || caddy === undefined) throw new Error("there is no caddy");
  const database = await createDatabase(process.env);
  ending.defer(() => database.drop());
  const [port, front] = [await freePort(), await freePort()];
  url = `https://localhost:${front}`;
  const server = await startServerProcess({
    port,
    logFile: join(database.dataDir, "server.log"),
    env: {
      ...serverEnv({
        dataDir: database.dataDir,
        port,
        containerHost: "127.0.0.1",
        databaseUrl: database.url,
      }),
      BASE_URL: url,
      CODING_AGENT_RUNNER_IMAGE: "",
      WINDSHIFT_HOST: "127.0.0.1",
      WINDSHIFT_TRUSTED_PROXIES: "127.0.0.1",
    },
  });
  ending.defer(() => server.stop());
  const dir = join(database.dataDir, "caddy");
  mkdirSync(dir);
  writeFileSync(join(dir, "Caddyfile"), fileFor(port));
  const child = Bun.spawn([caddy, "run", "--config", join(dir, "Caddyfile"), "--adapter", "caddyfile"], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: dir,
      XDG_DATA_HOME: dir,
      XDG_CONFIG_HOME: dir,
      WINDSHIFT_DOMAIN: `localhost:${front}`,
    },
    stdout: "ignore",
    stderr: Bun.file(join(dir, "caddy.log")),
  });
  ending.defer(async () => {
    child.kill("SIGTERM");
    await child.exited;
  });
  const root = join(dir, "caddy/pki/authorities/local/root.crt");
  await eventually("Caddy has made its certificates", () => Bun.file(root).exists(), SEEN_MS_MAX);
  ca = readFileSync(root, "utf8");
  await eventually(
    "the server answers behind Caddy",
    async () => (await ask("/readyz").catch(() => undefined))?.status === 200,
    SEEN_MS_MAX,
  );
}, PREPARE_MS_MAX);
afterAll(() => ending.disposeAsync(), TEST_MS_MAX);

/** The file as it is, with the server's own address in place of the container's name; certificates by Caddy itself, no port but one. */
function fileFor(port: number): string {
  const text = readFileSync(CADDYFILE, "utf8");
  const here = text.replace("windshift:8080", `127.0.0.1:${port}`);
  expect(here).not.toBe(text);
  return `{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\tgrace_period 1s\n}\n${here}`;
}

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url + path, { ...init, tls: { ca } });
}

async function post(path: string, body: object): Promise<Response> {
  const response = await ask(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      origin: url,
      // Where somebody says they come from counts for nothing.
      "x-forwarded-for": PRETENDED,
      ...(cookie === undefined ? {} : { cookie }),
    },
    body: JSON.stringify(body),
  });
  expect([path, response.ok]).toEqual([path, true]);
  return response;
}

test(
  "people sign in over HTTPS with cookies for HTTPS alone, and nobody can say that they come from elsewhere",
  async () => {
    await post("/api/v1/setup", ADMIN);
    const { email, password } = ADMIN;
    const lines = (await post("/api/auth/sign-in/email", { email, password })).headers.getSetCookie();
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/;\s*Secure/i);
    cookie = lines.map((line) => line.split(";", 1)[0]).join("; ");
    await post("/api/v1/workspaces", { key: "TLS", name: "TLS" });
    const audit = await (
      await ask("/api/v1/admin/audit?limit=5", { headers: { cookie: cookie ?? "" } })
    ).text();
    expect(audit).toContain("user.signed_in");
    expect(audit).not.toContain(PRETENDED);
  },
  TEST_MS_MAX,
);

test(
  "who watches hears each event at once, and not when some block is full",
  async () => {
    const over = new AbortController();
    const stream = await ask("/api/v1/workspaces/TLS/changes/stream", {
      // As a browser asks.
      headers: { cookie: cookie ?? "", accept: "text/event-stream", "accept-encoding": "gzip, br, zstd" },
      signal: over.signal,
    });
    expect([stream.status, stream.headers.get("content-encoding")]).toEqual([200, null]);
    const seen: string[] = [];
    const watching = (async () => {
      if (stream.body !== null)
        for await (const { event, data } of readServerEvents(stream.body)) seen.push(`${event} ${data}`);
    })().catch(() => {}); // ended by us
    await eventually("the stream stands", () => seen.length > 0, SEEN_MS_MAX);
    for (let n = 1; n <= 3; n++) {
      await post("/api/v1/workspaces/TLS/items", {
        title: `Item ${n}`,
        description: "Some words. ".repeat(100),
      });
      await eventually(
        `the list hears of TLS-${n}`,
        () => seen.some((one) => one.includes(`TLS-${n}`)),
        SEEN_MS_MAX,
      );
    }
    over.abort();
    await watching;
    // What the server sends plain, because its length could tell of a secret in it, comes plain.
    const list = await ask("/api/v1/workspaces/TLS/items", {
      headers: { cookie: cookie ?? "", "accept-encoding": "gzip, br, zstd" },
    });
    const text = await list.text();
    expect([list.headers.get("content-encoding"), text.length > COMPRESSED_CHARS]).toEqual([null, true]);
  },
  TEST_MS_MAX,
);

test(
  "a large body reaches the server, which is the one to say what is too large",
  async () => {
    const reply = await ask("/api/v1/workspaces/TLS/items", {
      method: "POST",
      headers: { "content-type": "application/json", origin: url, cookie: cookie ?? "" },
      body: JSON.stringify({ title: "Large", description: "x".repeat(BODY_BYTES) }),
    });
    expect(reply.status).toBe(413);
    expect(await reply.text()).toContain('"error"');
  },
  TEST_MS_MAX,
);
