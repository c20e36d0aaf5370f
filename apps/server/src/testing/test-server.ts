import { join } from "node:path";
import type { MadeAdminUser } from "@windshift/contract/api/user.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { createOutboundFetch, type OutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { BudgetHolds } from "../budgets/budget-holds.ts";
import { CrashPoints } from "../crash-point.ts";
import { type Database, openDatabase } from "../db/database.ts";
import type { ForgeClients } from "../forges/forge-clients.ts";
import type { MemoryGate } from "../health/memory-gate.ts";
import type { Log } from "../http/log.ts";
import type { RouteTable } from "../http/route-table.ts";
import { ServerMetrics } from "../metrics/server-metrics.ts";
import { ensureLocalPool } from "../pools/pool-store.ts";
import { createForges } from "../ports.ts";
import { buildRoutes } from "../routes.ts";
import type { Forge } from "../runs/forge.ts";
import { type MasterKey, masterKey } from "../secrets/secret-box.ts";
import type { OidcSettings } from "../users/oidc-provider.ts";
import type { PasswordHashing, SignIn } from "../users/sign-in.ts";
import { createMigratedDatabase } from "./migrated-database.ts";
import { TestClient } from "./test-client.ts";

/** The whole API on a database of its own, served on the loopback address. */
export interface TestServer {
  url: string;
  database: Database;
  /** Where it is, for another server on the same one. */
  databaseAddress: Parameters<typeof openDatabase>[0];
  masterKey: MasterKey;
  signIn: SignIn;
  table: RouteTable;
  repositoriesRoot: string;
  forge: Forge;
  forgeClients: ForgeClients;
  holds: BudgetHolds;
  /** Every line that was logged, as JSON. */
  logLines: string[];
  /** A caller that nobody knows. */
  stranger(): TestClient;
  /** The first administrator, signed in. */
  setUp(): Promise<TestClient>;
  /** A person, made by an administrator and signed in. */
  addPerson(admin: TestClient, name: string): Promise<{ id: string; client: TestClient }>;
  withToken(token: string): TestClient;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** Instead of the address the server has. */
  baseUrl?: string;
  signInTriesMax?: number;
  /** Instead of `logLines`. */
  log?: Log;
  /** Instead of a way out that reaches the loopback address. */
  outbound?: OutboundFetch;
  metricsToken?: string;
  /** Made of the server's own log and figures. */
  memory?(parts: { log: Log; metrics: ServerMetrics }): MemoryGate;
  /** A sign-in provider. */
  oidc?: OidcSettings;
  /** Passwords are kept as in production, at its price; by default they cost next to nothing. */
  realPasswords?: boolean;
  /** Adds routes for one test. */
  addRoutes?(table: RouteTable): void;
}

const PASSWORD = "correct horse battery";
/** A digest instead of scrypt, 120 ms a person less; what the real ones promise is shown where sign-in itself is. */
const QUICK_PASSWORDS: PasswordHashing = {
  hashPassword: async (password) => `quick:${Bun.SHA256.hash(password, "hex")}`,
  verifyPassword: async (password, hash) => hash === `quick:${Bun.SHA256.hash(password, "hex")}`,
};

/** Starts the server's routes on a free loopback port and a database of its own, migrated and with the local pool, without a runner. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const fixture = await createMigratedDatabase();
  const databaseAddress = { url: fixture.url, sqliteFile: fixture.sqliteFile };
  const metrics = new ServerMetrics();
  const database = { ...(await openDatabase(databaseAddress)), figures: metrics };
  await ensureLocalPool(database);
  const logLines: string[] = [];
  const log = options.log ?? memoryLog(logLines);
  const key = masterKey(new Uint8Array(32).fill(7));
  const repositoriesRoot = join(fixture.dataDir, "repositories");
  const listener = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    // As of the real server, see listen.ts.
    idleTimeout: 60,
    fetch: () => new Response(null, { status: 503 }),
  });
  const url = `http://127.0.0.1:${listener.port}`;
  const baseUrl = options.baseUrl ?? url;
  const parts = {
    outbound:
      options.outbound ?? createOutboundFetch({ privateHosts: [{ host: "127.0.0.1", port: undefined }] }),
    holds: new BudgetHolds(database, log),
    baseUrl,
    database,
    masterKey: key,
    repositoriesRoot,
    crash: new CrashPoints(undefined),
  };
  const forges = createForges(parts);
  const { table, signIn } = buildRoutes({
    ...parts,
    ...forges,
    defaults: { llmModel: undefined },
    metrics,
    metricsToken: options.metricsToken,
    memory: options.memory?.({ log, metrics }),
    oidc: options.oidc,
    log,
    passwords: options.realPasswords ? undefined : QUICK_PASSWORDS,
    signInTriesMax: options.signInTriesMax ?? 1_000,
    addRoutes: options.addRoutes,
  });
  listener.reload({ fetch: (request, server) => table.fetch(request, server) });

  const server: TestServer = {
    url,
    database,
    databaseAddress,
    masterKey: key,
    signIn,
    table,
    repositoriesRoot,
    ...forges,
    holds: parts.holds,
    logLines,
    stranger: () => new TestClient(url),
    withToken: (token) => new TestClient(url, token),
    setUp: async () => {
      const client = new TestClient(url);
      const person = { name: "Ada", email: "ada@example.test", password: PASSWORD };
      expectStatus(await client.post("/api/v1/setup", person), 201);
      return signInAs(client, person.email);
    },
    addPerson: async (admin, name) => {
      const email = `${name.toLowerCase()}@example.test`;
      const person = { name, email, password: PASSWORD };
      const made = await admin.post<MadeAdminUser>("/api/v1/admin/users", person);
      expectStatus(made, 201);
      return { id: made.body.user.id, client: await signInAs(new TestClient(url), email) };
    },
    close: async () => {
      await listener.stop(true);
      await parts.holds.close();
      await database.close();
      await fixture.drop();
    },
  };
  return server;
}

/** Signs in over HTTP with the password all people of a test have. */
export async function signInAs(client: TestClient, email: string): Promise<TestClient> {
  expectStatus(await client.post("/api/auth/sign-in/email", { email, password: PASSWORD }), 200);
  return client;
}

function expectStatus(reply: { status: number; text: string }, status: number): void {
  assert(reply.status === status, `the answer is ${reply.status}, not ${status}: ${reply.text}`);
}

function memoryLog(lines: string[]): Log {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push(JSON.stringify({ level, message, ...fields }));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
