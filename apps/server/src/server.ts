import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import { redact } from "@windshift/base/redact.ts";
import { openTracing, type Tracing } from "@windshift/base/tracing.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { createOutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { BudgetHolds } from "./budgets/budget-holds.ts";
import {
  archiveDirOf,
  containerApiUrl,
  localhostWarning,
  oidcOf,
  type ServerSettings,
  worktreeRootOf,
} from "./config.ts";
import { CrashPoints } from "./crash-point.ts";
import { type DataFolderLock, lockDataFolder } from "./db/data-folder-lock.ts";
import { type Database, openDatabase } from "./db/database.ts";
import { migrate } from "./db/migrate.ts";
import { runForgeLoop } from "./forges/sync-loop.ts";
import type { MemoryGate } from "./health/memory-gate.ts";
import { createMemoryGate, memoryCalm, watchMemory } from "./health/memory-watch.ts";
import type { Log } from "./http/log.ts";
import { TrustedProxies } from "./http/trusted-proxies.ts";
import { type Listener, listen } from "./listen.ts";
import { jobLog } from "./log.ts";
import { measureLoopDelay } from "./metrics/loop-delay.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { ensureLocalPool } from "./pools/pool-store.ts";
import { createForges } from "./ports.ts";
import { type RetentionLimits, runRetentionLoop } from "./retention/retention-loop.ts";
import { buildRoutes, type RouteParts } from "./routes.ts";
import { checkSharedWorktrees, engineChecks } from "./runners/engine-checks.ts";
import { type LocalRunner, startLocalRunner } from "./runners/local-runner.ts";
import { runnerProgramsFolder } from "./runners/runner-install-programs.ts";
import { chooseSandbox, DEFAULT_PATH, localRunnerImage } from "./runners/sandbox-choice.ts";
import { runSweepLoop } from "./runners/sweep-loop.ts";
import { triageCommand } from "./runners/triage-command.ts";
import { runBudgetLoop } from "./runs/budget-loop.ts";
import { claimJob, createControlPlane } from "./runs/control-plane.ts";
import { runPublishingLoop } from "./runs/publishing-loop.ts";
import { runKeyChange } from "./secrets/key-change-loop.ts";
import { checkMasterKey, hasMasterKey } from "./secrets/key-check.ts";
import { usesWarning } from "./secrets/key-uses.ts";
import { derivedKey, type MasterKey } from "./secrets/secret-box.ts";
import { readMasterKey } from "./secrets/secret-key-file.ts";
import { endServer } from "./server-end.ts";
import { RunTraces } from "./telemetry/run-traces.ts";
import { runUpkeepLoop } from "./work-items/upkeep-loop.ts";

/** What a server is made of, once its database and its key are open. */
interface ServerParts extends RouteParts {
  metrics: ServerMetrics;
  memory: MemoryGate;
  settings: ServerSettings;
  tracing: Tracing | undefined;
  traces: RunTraces | undefined;
  /** Of the embedded database. */
  lock: DataFolderLock | undefined;
}

/** A running server. */
export interface Server {
  readonly port: number;
  /** Ends it: no more requests, runs in progress are queued again, database closed. */
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
  const parts = await openParts(settings, log);
  const { database, defaults, forge } = parts;
  const { table } = buildRoutes(parts);
  const proxies = new TrustedProxies(settings.trustedProxies);
  const { host, port } = settings;
  // With the embedded database there is no other server: only one can have the data folder.
  const hasPeers = settings.databaseUrl !== undefined;
  const listener = listen({ host, port, proxies, hasPeers, door: table.door, fetch: table.route });
  const ending = new AbortController();
  const loops = [
    runPublishingLoop({ database, forge, defaults, baseUrl: settings.baseUrl }, log, ending.signal),
    runSweepLoop(database, defaults, log, ending.signal),
    runForgeLoop(
      { database, defaults, clients: parts.forgeClients, baseUrl: settings.baseUrl },
      log,
      ending.signal,
    ),
    runBudgetLoop(database, log, ending.signal),
    runKeyChange(parts, settings.dataDir, log, ending.signal),
    runUpkeepLoop(database, log, ending.signal),
    runRetentionLoop(
      { database, folder: archiveDirOf(settings), limits: retentionOf(settings), log },
      ending.signal,
    ),
  ];
  const runner = await startRunner(parts, env, listener);
  const endMeasuring = measureLoopDelay(parts.metrics);
  const endWatching = watchMemory(parts.memory);
  return {
    port: listener.port,
    stop: () => {
      endMeasuring();
      endWatching();
      return endServer({ ...parts, runner, loops, stopLoops: () => ending.abort(), listener });
    },
  };
}

async function openParts(settings: ServerSettings, log: Log): Promise<ServerParts> {
  const metrics = new ServerMetrics();
  await makeDataFolder(settings);
  const lock = settings.databaseUrl === undefined ? lockDataFolder(settings.dataDir) : undefined;
  const store = await openStore(settings);
  const masterKey = await openKey(settings, store, log);
  const { tracing, traces } = await openTraces(settings, store, masterKey, log);
  const database = { ...store, figures: traces?.beside(metrics) ?? metrics };
  await ensureLocalPool(database);
  const repositoriesRoot = join(settings.dataDir, "repositories");
  const crash = new CrashPoints(settings.crashPoint);
  const open = {
    baseUrl: settings.baseUrl,
    database,
    databaseUrl: settings.databaseUrl,
    masterKey,
    repositoriesRoot,
    archiveDir: archiveDirOf(settings),
    outbound: createOutboundFetch({ privateHosts: settings.privateHosts }),
    holds: new BudgetHolds(database, log),
    crash,
    runnerPrograms: runnerProgramsFolder(settings.runnerPrograms, process.execPath, import.meta.dir),
    runnerImage: settings.runnerImage,
    oidc: oidcOf(settings),
  };
  const defaults = { llmModel: settings.llmModel };
  const { metricsToken } = settings;
  const traced = traces && ((job: JobSpec) => traces.traced(job));
  const trace: RouteParts["trace"] = traces && ((part) => traces.add(part));
  return {
    ...open,
    ...createForges(open),
    memory: createMemoryGate(log, metrics),
    ...{ settings, defaults, log, metrics, metricsToken, lock, tracing, traces, traced, trace },
  };
}

/** One trace for each run, where an address for them is set. */
async function openTraces(
  settings: ServerSettings,
  database: Database,
  masterKey: MasterKey,
  log: Log,
): Promise<{ tracing?: Tracing | undefined; traces?: RunTraces | undefined }> {
  const tracing = await openTracing({
    endpoint: settings.traceEndpoint,
    headers: settings.traceHeaders,
    service: "windshift",
    version: buildVersion,
    instance: hostname(),
    onProblem: (message) => log.warn({}, `traces: ${message}`),
  });
  const key = Buffer.from(derivedKey(masterKey, "trace ids")).toString("hex");
  return { tracing, traces: tracing && new RunTraces(database, tracing, log, key) };
}

/**
 * Brings the database up to date, once the key is known to be its own: a start with a wrong key writes nothing (WB-13).
 * @throws AppError that names the setting to look at
 */
async function openKey(settings: ServerSettings, database: Database, log: Log): Promise<MasterKey> {
  const keys = { key: settings.secretKey, previous: settings.previousSecretKey };
  const known = await storeAnswers(settings, () => hasMasterKey(database));
  const masterKey = await readMasterKey(keys, settings.dataDir, async () => !known);
  if (known) await checkMasterKey(database.kysely, masterKey);
  await storeAnswers(settings, () => migrate(database, (line) => log.info({}, line)));
  await checkMasterKey(database.kysely, masterKey);
  const worn = await usesWarning(database.kysely, masterKey);
  if (worn !== undefined) log.warn({ key: masterKey.id }, worn);
  return masterKey;
}

function retentionOf(settings: ServerSettings): RetentionLimits {
  return {
    transcriptMs: settings.transcriptRetentionMs,
    transcriptArchiveMs: settings.transcriptArchiveRetentionMs,
    auditMs: settings.auditRetentionMs,
    usageMs: settings.usageRetentionMs,
  };
}

async function makeDataFolder({ dataDir }: ServerSettings): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 }).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(
      "invalid_input",
      `WINDSHIFT_DATA: the folder ${dataDir} cannot be made (${cause.code})`,
      { cause },
    );
  });
}

/** @throws AppError that names the setting to look at */
function openStore(settings: ServerSettings): Promise<Database> {
  const { dataDir, databaseUrl: url } = settings;
  return storeAnswers(settings, () => openDatabase({ url, sqliteFile: join(dataDir, "windshift.db") }));
}

async function storeAnswers<T>(
  { dataDir, databaseUrl: url }: ServerSettings,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const where =
      url === undefined ? `the database in ${dataDir} (WINDSHIFT_DATA)` : "the database of DATABASE_URL";
    const why = redact(cause instanceof Error ? messageOf(cause) : String(cause));
    throw new AppError("unavailable", `${where} cannot be used: ${why}`, { cause });
  }
}

/** What a database said, also when it stands behind a message of ours. */
function messageOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${messageOf(error.cause)}` : error.message;
}

async function startRunner(
  parts: ServerParts,
  env: Record<string, string | undefined>,
  listener: Listener,
): Promise<LocalRunner | undefined> {
  const { settings, database, defaults, forge, crash, log } = parts;
  const image = localRunnerImage(settings);
  if (image === undefined) {
    log.info({}, "runs are queued but not executed here: CODING_AGENT_RUNNER_IMAGE is not set");
    return undefined;
  }
  warnAbout(settings, log);
  const worktreeRoot = worktreeRootOf(settings);
  const control = {
    database,
    defaults,
    addresses: { containerApiUrl: containerApiUrl(settings), runnerApiUrl: `${listener.loopbackUrl}/api` },
    readBranch: forge.readBranch,
    isolation: settings.sandbox,
    onClaimError: (run: number, error: unknown) =>
      log.error({ run, err: error }, "a claimed run could not be started"),
    untilCalm: (signal: AbortSignal) => memoryCalm(parts.memory, signal),
  };
  if (settings.sandbox === "container") {
    checkSharedWorktrees(engineChecks({ settings, worktreeRoot, env, instance: "start" }), log).catch(
      (error: unknown) => log.error({ err: error }, "the worktree folder could not be checked"),
    );
  }
  return startLocalRunner({
    database,
    defaults,
    controlPlane: crash.controlPlane(createControlPlane(control)),
    claim: crash.claim(async (...args: ClaimArgs) => {
      const job = await claimJob(control, ...args);
      return job === null ? null : (parts.traced?.(job) ?? job);
    }),
    tracing: parts.tracing,
    sandbox: chooseSandbox(settings, image, env),
    image,
    allowedImages: settings.allowedImages,
    network: settings.network,
    worktreeRoot,
    dataDir: settings.dataDir,
    triage: triageCommand(settings.triageBin, process.execPath, import.meta.dir),
    path: env.PATH ?? DEFAULT_PATH,
    workers: settings.workers,
    cacheBytesMax: settings.cacheBytesMax,
    cacheAgeMs: settings.cacheAgeMs,
    workspaceBytesMax: settings.workspaceBytesMax,
    log: jobLog(log),
  });
}

type ClaimArgs = Parameters<typeof claimJob> extends [unknown, ...infer Rest] ? Rest : never;

function warnAbout(settings: ServerSettings, log: Log): void {
  const localhost = localhostWarning(settings);
  if (localhost !== undefined) log.warn({}, localhost);
  if (settings.sandbox === "unsandboxed") {
    log.warn({}, "UNSAFE: agents run as plain processes with the rights of this server");
  }
  if (settings.crashPoint !== undefined)
    log.warn({}, `this server will kill itself at "${settings.crashPoint}"`);
}
