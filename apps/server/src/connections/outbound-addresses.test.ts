import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection, ConnectionCheck } from "@windshift/contract/api/connection.ts";
import {
  INSIDE_ADDRESSES,
  LOOPBACK_SPELLINGS,
  METADATA_HOSTS,
  STRANGE_URLS,
} from "@windshift/outbound/inside-addresses.fixture.ts";
import { createOutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { serverSettings } from "../config.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import {
  create,
  createTestWorkspace,
  type LiveRun,
  startLiveRun,
  type TestWorkspace,
} from "../testing/test-workspace.ts";

/** Some thousand requests to the API; a loaded machine may take long. */
const TEST_MS_MAX = 240_000;
const ROOT = join(import.meta.dir, "../../../..");

/**
 * Every place where somebody can give this server an address, and what becomes of it. `dialed` ones are tried below; one that
 * is new fails these tests until it stands here.
 */
const BODY_ADDRESSES = {
  "post /api/v1/workspaces/{key}/connections base_url": "dialed",
  "patch /api/v1/connections/{connection} base_url": "dialed",
  "post /api/v1/workspaces/{key}/bindings image":
    "given to the container engine, from a list of allowed ones",
  "patch /api/v1/bindings/{binding} image": "given to the container engine, from a list of allowed ones",
  "post /api/runner/claim api_url": "given back to the runner's own containers",
};
const COLUMN_ADDRESSES = {
  "connections.base_url": "dialed",
  "connections.webhook_secret_sealed": "not an address",
  "bindings.image": "given to the container engine",
  "item_links.url": "shown",
  "pull_requests.url": "shown",
  "repositories.web_url": "shown",
  "cli_logins.address": "where a command line asked to sign in from",
  "session.ipAddress": "where a person signed in from",
  "user.image": "never read",
};
/** The operator's own, from the environment. */
const SETTING_ADDRESSES = [
  "BASE_URL",
  "CODING_AGENT_WS_API_URL",
  "DATABASE_URL",
  // The operator's own collector of traces, from the environment.
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "WINDSHIFT_HOST",
  "WINDSHIFT_PRIVATE_HOSTS",
];
const LIKE_AN_ADDRESS = /url|uri|host|addr|endpoint|(^|_)server|link$|proxy|hook|image$|avatar|site|domain/i;

/** Connections whose address is dialed, each with every kind of credential that changes how. */
const KINDS = [
  { kind: "llm", provider: "openai_compatible", api_key: "a-key" },
  { kind: "llm", provider: "anthropic", api_key: "a-key" },
  { kind: "git", provider: "github", token: "a-token" },
  { kind: "git", provider: "gitlab", token: "a-token" },
  { kind: "git", provider: "forgejo", token: "a-token" },
] as const;

describe("WB-09 the list of outbound addresses", () => {
  test("has every field of a request's body that looks like one", () => {
    const found: string[] = [];
    const paths = server.table.hono.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "", version: "" },
    }).paths;
    for (const [path, operations] of Object.entries(paths ?? {}))
      for (const [method, operation] of Object.entries(operations ?? {}))
        for (const field of fieldsOf(Object(operation).requestBody))
          if (LIKE_AN_ADDRESS.test(field)) found.push(`${method} ${path} ${field}`);
    expect([...new Set(found)].sort()).toEqual(Object.keys(BODY_ADDRESSES).sort());
  });

  test("has every column that looks like one", async () => {
    const tables = await server.database.kysely.introspection.getTables();
    const found = tables.flatMap((table) =>
      table.columns
        .filter(({ name }) => LIKE_AN_ADDRESS.test(name))
        .map(({ name }) => `${table.name}.${name}`),
    );
    expect(found.sort()).toEqual(Object.keys(COLUMN_ADDRESSES).sort());
  });

  test("has every setting that is one", () => {
    const found = Object.values(serverSettings)
      .map(({ name }): string => name)
      .filter((name) => /URL|HOST|ADDR|ENDPOINT|PROXY/.test(name));
    expect(found.sort()).toEqual(SETTING_ADDRESSES);
  });

  test("is complete: nothing of the server reaches the network but the guarded way out", () => {
    const reaching = SOURCES.filter((file) =>
      REACHES.test(withoutRanges(readFileSync(join(ROOT, file), "utf8"))),
    );
    expect(reaching.sort()).toEqual([
      // The operator's own sign-in provider, from the environment.
      "apps/server/src/users/oidc-provider.ts",
      "packages/outbound/src/outbound-fetch.ts",
    ]);
    // The search does find what is there, in the forms in which it would be written.
    for (const text of [
      "await fetch(url)",
      "globalThis.fetch(url)",
      'import http from "node:https";',
      "new WebSocket(url)",
      "Bun.connect({ hostname })",
      'import { connect } from "node:net"',
    ])
      expect(text).toMatch(REACHES);
  });
});

/** Comparing addresses dials none. */
function withoutRanges(source: string): string {
  return source.replace(/^import \{ (?:(?:BlockList|isIP|isIPv4|isIPv6)(?:, )?)+ \} from "node:net";$/m, "");
}

/** What the server is made of. A `fetch` that is a parameter was handed in: by the server, which has one only. */
const SOURCES = [
  "apps/server/src",
  ...["contract", "forges", "git-broker", "llm-broker", "outbound"].map((name) => `packages/${name}/src`),
]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  )
  .filter((file) => /\.tsx?$/.test(file) && !/test\.ts|fixture|\/testing\/|\/web\/assets\//.test(file))
  .filter((file) => !/\bfetch: (?:Forge|Provider)Fetch\b/.test(readFileSync(join(ROOT, file), "utf8")));
const REACHES =
  /(?<![.\w]|async )fetch\((?!signal|spec)|globalThis\.fetch|from "(?:node:)?(?:https?|http2|net|tls|dgram|dns(?:\/promises)?|undici|axios|got)"|new (?:WebSocket|EventSource|XMLHttpRequest)\b|Bun\.(?:connect|udpSocket|redis)/;

/** Names of all properties in a part of the API's description. */
function fieldsOf(part: unknown): string[] {
  if (typeof part !== "object" || part === null) return [];
  const own = "properties" in part ? Object.keys(Object(part.properties)) : [];
  return [...own, ...Object.values(part).flatMap(fieldsOf)];
}

/** What a person is told. */
const REFUSED =
  /is a private address|is never reached|not for web services|only http and https|cannot be used/;

let inner: ReturnType<typeof Bun.serve>;
/** What reached the service inside the network. */
const seen: string[] = [];
let server: TestServer;
let admin: TestClient;
let workspace: TestWorkspace;
let live: LiveRun;
beforeAll(async () => {
  inner = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      seen.push(`${request.method} ${request.url}`);
      return new Response("inner");
    },
  });
  server = await startTestServer({ outbound: createOutboundFetch({ privateHosts: [] }) });
  admin = await server.setUp();
  workspace = await createTestWorkspace(admin, "OUT");
  live = await startLiveRun(server, admin, workspace);
}, TEST_MS_MAX);
afterAll(async () => {
  await server?.close();
  await inner?.stop(true);
}, TEST_MS_MAX);

const addresses = () =>
  [...LOOPBACK_SPELLINGS, ...INSIDE_ADDRESSES, ...METADATA_HOSTS.map((host) => `http://${host}/`)].map(
    (text) => text.replace("PORT", String(inner.port)),
  );

describe("WB-09 an address inside the network that an administrator enters", () => {
  for (const wanted of KINDS)
    test(
      `for ${wanted.provider} is called by neither the check nor anything else`,
      async () => {
        let name = 0;
        for (const base_url of [...addresses(), ...STRANGE_URLS]) {
          const made = await admin.post<Connection>("/api/v1/workspaces/OUT/connections", {
            ...wanted,
            name: `${wanted.provider} ${name++}`,
            base_url,
          });
          if (made.status === 400) continue;
          expect([base_url, made.status]).toEqual([base_url, 201]);
          const at = `/api/v1/connections/${made.body.id}`;
          const { body } = await admin.post<ConnectionCheck>(`${at}/check`);
          expect([base_url, body.ok]).toEqual([base_url, false]);
          expect([base_url, body.message]).toEqual([base_url, expect.stringMatching(REFUSED)]);
          if (wanted.kind === "git") {
            const listed = await admin.get(`${at}/repositories`);
            expect([base_url, listed.status >= 400]).toEqual([base_url, true]);
          }
        }
        expect(seen).toEqual([]);
      },
      TEST_MS_MAX,
    );

  test(
    "and that stands in the table already is called for no run: not for its model and not for its git",
    async () => {
      const db = server.database.kysely;
      const agent = server.withToken(live.token);
      const forge = await create<Connection>(admin, "/api/v1/workspaces/OUT/connections", {
        kind: "git",
        provider: "forgejo",
        name: "stored",
        token: "a-token",
        base_url: "https://forge.example",
      });
      await db
        .updateTable("repositories")
        .set({ connection_id: forge.id })
        .where("id", "=", workspace.repository.id)
        .execute();
      const authorization = `Basic ${btoa(`run:${live.gitToken}`)}`;
      const refs = `/api/git-proxy/${live.runId}/${workspace.repository.owner}/${workspace.repository.name}.git/info/refs?service=git-upload-pack`;
      for (const base_url of [...addresses(), ...STRANGE_URLS]) {
        for (const id of [workspace.llm.id, forge.id]) {
          await db.updateTable("connections").set({ base_url }).where("id", "=", id).execute();
          await server.database.signals.notify(`connection:${id}`);
        }
        const question = { model: "scripted-1", messages: [{ role: "user", content: "hi" }] };
        const said = await agent.post("/api/llm-proxy/v1/chat/completions", question);
        const fetched = await server.stranger().get(refs, { authorization });
        const strange = STRANGE_URLS.includes(base_url);
        expect([base_url, said.text]).toEqual([base_url, expect.stringMatching(REFUSED)]);
        expect([base_url, said.status >= 400]).toEqual([base_url, true]);
        // One that no administrator could have entered is a fault of the table: no more is said of it.
        if (strange) expect([base_url, fetched.status >= 500]).toEqual([base_url, true]);
        else expect([base_url, fetched.text]).toEqual([base_url, expect.stringMatching(REFUSED)]);
      }
      expect(seen).toEqual([]);
    },
    TEST_MS_MAX,
  );
});

describe("WB-10 WB-09 one address that is allowed", () => {
  let door: ReturnType<typeof Bun.serve>;
  /** What the allowed address was asked. */
  const asked: string[] = [];
  let guarded: TestServer;
  let boss: TestClient;
  beforeAll(async () => {
    door = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        return new Response(null, {
          status: 307,
          headers: {
            location: `http://127.0.0.1:${inner.port}/secret`,
            refresh: `0;url=http://127.0.0.1:${inner.port}/`,
          },
        });
      },
    });
    const privateHosts = [{ host: "127.0.0.1", port: Number(door.port) }];
    guarded = await startTestServer({ outbound: createOutboundFetch({ privateHosts }) });
    boss = await guarded.setUp();
    await create(boss, "/api/v1/workspaces", { key: "DOOR", name: "Door" });
  }, TEST_MS_MAX);
  afterAll(async () => {
    await guarded?.close();
    await door?.stop(true);
  }, TEST_MS_MAX);

  const check = async (wanted: (typeof KINDS)[number], base_url: string) => {
    const made = { ...wanted, name: `${wanted.provider} ${base_url}`.slice(0, 60), base_url };
    const { id } = await create<Connection>(boss, "/api/v1/workspaces/DOOR/connections", made);
    return (await boss.post<ConnectionCheck>(`/api/v1/connections/${id}/check`)).body;
  };

  for (const wanted of KINDS)
    test(
      `is asked by ${wanted.provider}, opens no other, and where it sends callers nobody goes`,
      async () => {
        const before = asked.length;
        expect((await check(wanted, `http://127.0.0.1:${door.port}`)).ok).toBe(false);
        expect(asked.length).toBe(before + 1);
        for (const base_url of [
          `http://127.0.0.1:${inner.port}`,
          `http://127.0.0.2:${door.port}`,
          `http://localhost:${door.port}`,
          `http://[::ffff:127.0.0.1]:${door.port}`,
          `http://[::ffff:7f00:1]:${door.port}`,
          "http://169.254.169.254",
          `http://[64:ff9b::a9fe:a9fe]:${door.port}`,
        ]) {
          const { ok, message } = await check(wanted, base_url);
          expect([base_url, ok, message]).toEqual([base_url, false, expect.stringMatching(REFUSED)]);
        }
        expect([asked.length, seen]).toEqual([before + 1, []]);
      },
      TEST_MS_MAX,
    );
});
