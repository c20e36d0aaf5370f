import { join } from "node:path";
import { assert } from "@windshift/contract/app-error.ts";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { recordDenied } from "../audit/audit-store.ts";
import { addBindingRoutes } from "../bindings/binding-routes.ts";
import { addConnectionRoutes } from "../connections/connection-routes.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { createApp } from "../http/app.ts";
import type { Log } from "../http/log.ts";
import type { RouteTable } from "../http/route-table.ts";
import { ensureLocalPool } from "../pools/pool-store.ts";
import { addPullRequestRoutes } from "../pull-requests/pull-request-routes.ts";
import { addRepositoryRoutes } from "../repositories/repository-routes.ts";
import { addItemRunRoutes } from "../runs/item-run-routes.ts";
import { lockLiveAttempt } from "../runs/run-fence.ts";
import { addRunRoutes } from "../runs/run-routes.ts";
import { createTriggers } from "../runs/run-service.ts";
import { findRunByToken } from "../runs/run-tokens.ts";
import { type MasterKey, masterKey } from "../secrets/secret-box.ts";
import { createSignIn, type SignIn } from "../users/sign-in.ts";
import { addUserRoutes } from "../users/user-routes.ts";
import { addCommentRoutes } from "../work-items/comment-routes.ts";
import type { AttemptFence } from "../work-items/triggers.ts";
import { addWorkItemRoutes } from "../work-items/work-item-routes.ts";
import { workItemScope } from "../work-items/work-item-store.ts";
import { findRole } from "../workspaces/membership-store.ts";
import { addWorkspaceRoutes } from "../workspaces/workspace-routes.ts";
import { TestClient } from "./test-client.ts";

/** The whole API on a database of its own, served on the loopback address. */
export interface TestServer {
  url: string;
  database: Database;
  masterKey: MasterKey;
  signIn: SignIn;
  table: RouteTable;
  repositoriesRoot: string;
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
  /** Adds routes for one test. */
  addRoutes?(table: RouteTable): void;
}

const PASSWORD = "correct horse battery";

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const fixture = await createDatabase(process.env);
  const database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  await migrate(database);
  await ensureLocalPool(database);
  const logLines: string[] = [];
  const log = memoryLog(logLines);
  const key = masterKey(new Uint8Array(32).fill(7));
  const repositoriesRoot = join(fixture.dataDir, "repositories");
  const listener = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(null, { status: 503 }),
  });
  const url = `http://127.0.0.1:${listener.port}`;
  const baseUrl = options.baseUrl ?? url;
  const signIn = createSignIn({
    database,
    baseUrl,
    log,
    secret: "a test secret that is long enough to sign with 0123456789",
    triesMax: options.signInTriesMax ?? 1_000,
  });
  const memberships = {
    roleOf: (workspace: number, user: string) => findRole(database.kysely, workspace, user),
  };
  const table = createApp({
    baseUrl,
    version: "0.0.0-test",
    db: database.kysely,
    log,
    sessions: signIn,
    memberships,
    foreign: (run, method, path) => recordDenied(database.kysely, run, method, path),
    runTokens: {
      find: async (token) => {
        const run = await findRunByToken(database.kysely, token, "agent");
        return (
          run && {
            runId: run.id,
            attempt: run.attempt,
            workItemId: run.work_item_id,
            workspaceId: run.workspace_id,
            agentUserId: run.agent_user_id,
            scope: "agent",
          }
        );
      },
    },
  });
  const runs = { database, defaults: { llmModel: undefined } };
  const triggers = createTriggers(runs);
  const fence: AttemptFence = {
    holdLive: async (tx, run, attempt) => (await lockLiveAttempt(database, tx, run, attempt)) !== undefined,
  };
  addUserRoutes(table, { database, signIn });
  addWorkspaceRoutes(table, { database });
  addWorkItemRoutes(table, { database, triggers });
  addCommentRoutes(table, { database, triggers, fence });
  addConnectionRoutes(table, { database, masterKey: key });
  addRepositoryRoutes(table, { database, repositoriesRoot });
  addBindingRoutes(table, { database, repositoriesRoot });
  addPullRequestRoutes(table, { database, repositoriesRoot });
  addRunRoutes(table, { ...runs, memberships, sessions: signIn });
  addItemRunRoutes(table, runs, workItemScope);
  options.addRoutes?.(table);
  table.assertComplete();
  listener.reload({ fetch: (request, server) => table.hono.fetch(request, server) });

  const server: TestServer = {
    url,
    database,
    masterKey: key,
    signIn,
    table,
    repositoriesRoot,
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
      const made = await admin.post<{ id: string }>("/api/v1/users", { name, email, password: PASSWORD });
      expectStatus(made, 201);
      return { id: made.body.id, client: await signInAs(new TestClient(url), email) };
    },
    close: async () => {
      await listener.stop(true);
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
