import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import { recordDenied } from "./audit/audit-store.ts";
import { addBindingRoutes } from "./bindings/binding-routes.ts";
import { addBrokerRoutes } from "./brokers/broker-routes.ts";
import { containerApiUrl, localhostWarning, type ServerSettings } from "./config.ts";
import { addConnectionRoutes } from "./connections/connection-routes.ts";
import { type Database, openDatabase } from "./db/database.ts";
import { migrate } from "./db/migrate.ts";
import { createApp } from "./http/app.ts";
import type { Log } from "./http/log.ts";
import type { RouteTable } from "./http/route-table.ts";
import { type Listener, listen } from "./listen.ts";
import { jobLog } from "./log.ts";
import { ensureLocalPool } from "./pools/pool-store.ts";
import { createAttemptFence, createBrokers, createRunTokenPort, readItemText } from "./ports.ts";
import { createLocalForge } from "./pull-requests/local-forge.ts";
import { addPullRequestRoutes } from "./pull-requests/pull-request-routes.ts";
import { addRepositoryRoutes } from "./repositories/repository-routes.ts";
import { type LocalRunner, startLocalRunner } from "./runners/local-runner.ts";
import { chooseSandbox, DEFAULT_PATH, localRunnerImage } from "./runners/sandbox-choice.ts";
import { runSweepLoop } from "./runners/sweep-loop.ts";
import { triageCommand } from "./runners/triage-command.ts";
import { addItemRunRoutes } from "./runs/item-run-routes.ts";
import { runPublishingLoop } from "./runs/publishing-loop.ts";
import { addRunRoutes } from "./runs/run-routes.ts";
import { createTriggers } from "./runs/run-service.ts";
import { checkMasterKey, hasMasterKey } from "./secrets/key-check.ts";
import { derivedKey, type MasterKey } from "./secrets/secret-box.ts";
import { readMasterKey } from "./secrets/secret-key-file.ts";
import { createSignIn } from "./users/sign-in.ts";
import { addUserRoutes } from "./users/user-routes.ts";
import { addCommentRoutes } from "./work-items/comment-routes.ts";
import { addWorkItemRoutes } from "./work-items/work-item-routes.ts";
import { workItemScope } from "./work-items/work-item-store.ts";
import { findRole } from "./workspaces/membership-store.ts";
import { addWorkspaceRoutes } from "./workspaces/workspace-routes.ts";

/** A running server. */
export interface Server {
  readonly port: number;
  /** Ends it: no more requests, runs in progress interrupted (they are queued again), database closed. */
  stop(): Promise<void>;
}

/**
 * Brings the database up to date, starts listening and, when runs are enabled here, the runner. Resolves when ready.
 * @throws AppError when the database, the data folder or the secret key cannot be used
 */
export async function startServer(
  settings: ServerSettings,
  env: Record<string, string | undefined>,
  log: Log,
): Promise<Server> {
  await mkdir(settings.dataDir, { recursive: true, mode: 0o711 });
  const database = await openDatabase({
    url: settings.databaseUrl,
    sqliteFile: join(settings.dataDir, "windshift.db"),
  });
  await migrate(database, (line) => log.info({}, line));
  const isNew = async () => !(await hasMasterKey(database.kysely));
  const masterKey = await readMasterKey(settings.secretKey, settings.dataDir, isNew);
  await checkMasterKey(database.kysely, masterKey);
  await ensureLocalPool(database);

  const defaults = { llmModel: settings.llmModel };
  const repositoriesRoot = join(settings.dataDir, "repositories");
  const forge = createLocalForge({ database, repositoriesRoot, baseUrl: settings.baseUrl });
  const app = buildApp({ settings, database, masterKey, repositoriesRoot, log });
  const listener = listen({ host: settings.host, port: settings.port, fetch: app.hono.fetch });
  const ending = new AbortController();
  const publishing = {
    database,
    forge,
    defaults,
    baseUrl: settings.baseUrl,
    readItem: (run: Parameters<typeof readItemText>[1]) => readItemText(database, run),
  };
  const loops = [
    runPublishingLoop(publishing, log, ending.signal),
    runSweepLoop(database, defaults, log, ending.signal),
  ];
  const runner = await startRunner(settings, env, { database, log, listener, readBranch: forge.readBranch });
  return {
    port: listener.port,
    stop: async () => {
      await runner?.stop("cancel");
      ending.abort();
      await Promise.all(loops);
      await listener.stop();
      await database.close();
    },
  };
}

/** All routes; the order does not matter. */
function buildApp(parts: {
  settings: ServerSettings;
  database: Database;
  masterKey: MasterKey;
  repositoriesRoot: string;
  log: Log;
}): RouteTable {
  const { settings, database, masterKey, repositoriesRoot, log } = parts;
  const { baseUrl } = settings;
  const secret = Buffer.from(derivedKey(masterKey, "session cookies")).toString("base64url");
  const signIn = createSignIn({ database, baseUrl, secret, log });
  const memberships = {
    roleOf: (workspace: number, user: string) => findRole(database.kysely, workspace, user),
  };
  const service = { database, defaults: { llmModel: settings.llmModel } };
  const triggers = createTriggers(service);
  const app = createApp({
    baseUrl,
    version: buildVersion,
    db: database.kysely,
    log,
    runTokens: createRunTokenPort(database),
    sessions: signIn,
    memberships,
    foreign: (caller, method, path) => recordDenied(database.kysely, caller, method, path),
  });
  addUserRoutes(app, { database, signIn });
  addWorkspaceRoutes(app, { database });
  addWorkItemRoutes(app, { database, triggers });
  addCommentRoutes(app, { database, triggers, fence: createAttemptFence(database) });
  addConnectionRoutes(app, { database, masterKey });
  addRepositoryRoutes(app, { database, repositoriesRoot });
  addBindingRoutes(app, { database, repositoriesRoot });
  addPullRequestRoutes(app, { database, repositoriesRoot });
  addItemRunRoutes(app, service, workItemScope);
  addRunRoutes(app, { ...service, memberships, sessions: signIn });
  addBrokerRoutes(app, createBrokers(database, repositoriesRoot, masterKey, log));
  app.assertComplete();
  return app;
}

interface RunnerParts {
  database: Database;
  log: Log;
  listener: Listener;
  readBranch: (repositoryId: number, branch: string) => Promise<string | null>;
}

async function startRunner(
  settings: ServerSettings,
  env: Record<string, string | undefined>,
  parts: RunnerParts,
): Promise<LocalRunner | undefined> {
  const { database, log, listener, readBranch } = parts;
  const image = localRunnerImage(settings);
  if (image === undefined) {
    log.info({}, "runs are queued but not executed here: CODING_AGENT_RUNNER_IMAGE is not set");
    return undefined;
  }
  const warning = localhostWarning(settings);
  if (warning !== undefined) log.warn({}, warning);
  if (settings.sandbox === "unsandboxed")
    log.warn({}, "UNSAFE: agents run as plain processes with the rights of this server");
  return startLocalRunner({
    database,
    defaults: { llmModel: settings.llmModel },
    addresses: { containerApiUrl: containerApiUrl(settings), runnerApiUrl: `${listener.loopbackUrl}/api` },
    readBranch,
    onClaimError: (run, error) =>
      log.error({ run: run.id, err: error }, "a claimed run could not be started"),
    sandbox: chooseSandbox(settings, image, env),
    image,
    network: settings.network,
    worktreeRoot: settings.worktreeRoot ?? join(settings.dataDir, "worktrees"),
    dataDir: settings.dataDir,
    triage: triageCommand(settings.triageBin, process.execPath, import.meta.dir),
    path: env.PATH ?? DEFAULT_PATH,
    workers: settings.workers,
    log: jobLog(log),
  });
}
