import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { ERROR_CODES } from "@windshift/contract/error-codes.ts";
import { PG_DUMP, WRITE_BACKUP } from "./backups/backup-command.ts";
import { INSPECT_PUSHES } from "./brokers/inspection-command.ts";
import {
  containerApiUrl,
  localhostWarning,
  readServerSettings,
  type ServerSettings,
  worktreeRootOf,
} from "./config.ts";
import type { Log } from "./http/log.ts";
import { ignoreProxies } from "./ignored-proxies.ts";
import { createLog } from "./log.ts";
import { DEFAULT_PATH } from "./runners/sandbox-choice.ts";
import { triageCommand } from "./runners/triage-command.ts";
import { replaceKeyFile } from "./secrets/secret-key-file.ts";

const USAGE = `windshift            start the server; settings come from the environment (docs/configuration.md)
windshift change-key make a new secret key; with the server stopped, then start it again
windshift revoke-registrations
                     make all registration tokens of runners void; after a restored backup, which brings used ones back
windshift migrate-database URL
                     move the embedded database to an empty PostgreSQL, postgres://…; with the server stopped
windshift backup [FILE]
                     save the database and the local repositories in one tar; the server may run meanwhile
windshift restore FILE [--keep-credentials]
                     put a backup into an empty data folder (and an empty PostgreSQL); with the server stopped. Every token of
                     before is void then, those of people and runners too unless they are kept
windshift revoke-tokens [--keep-credentials]
                     the same for a database that was put back by other means, or not to the end
windshift doctor     check each thing a run needs, and say what to do about what is missing
windshift --version
`;

/** Does what the arguments ask for; a failure is told on standard error and in the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    await runCommand(args);
  } catch (error) {
    const known = error instanceof AppError;
    process.stderr.write(
      redact(
        `windshift: ${known ? error.message : `internal error: ${error instanceof Error ? error.stack : String(error)}`}\n`,
      ),
    );
    process.exit(ERROR_CODES[known ? error.code : "internal"].exit);
  }
}

function runCommand(args: readonly string[]): Promise<void> | void {
  switch (args[0]) {
    case undefined:
    case "serve":
      return serve(settingsOrExit());
    case "change-key":
      return changeKey(settingsOrExit());
    case "revoke-registrations":
      return voidRegistrations(settingsOrExit());
    case "migrate-database":
      return move(settingsOrExit(), args[1]);
    case "doctor":
      return diagnose(settingsOrExit());
    case "backup":
      return backup(settingsOrExit(), args[1]);
    case "restore":
      return restore(settingsOrExit(), args.slice(1));
    case "revoke-tokens":
      return voidTokens(settingsOrExit(), args.slice(1));
    case WRITE_BACKUP:
      return writeBackupFor(args.slice(1));
    case INSPECT_PUSHES:
      return import("@windshift/git-broker/inspection-main.ts").then((main) => main.runInspections());
    case "--version":
      return void process.stdout.write(`windshift ${buildVersion}\n`);
    case "help":
    case "--help":
      return void process.stdout.write(USAGE);
    default:
      process.stderr.write(`windshift: there is no command "${args[0]}"\n${USAGE}`);
      process.exit(ERROR_CODES.invalid_input.exit);
  }
}

function settingsOrExit(): ServerSettings {
  const result = readServerSettings(process.env);
  if (result.kind === "ok") return result.settings;
  process.stderr.write(
    `windshift cannot start; mend these settings:\n${result.problems.map((p) => `  ${p}\n`).join("")}`,
  );
  process.exit(ERROR_CODES.invalid_input.exit);
}

async function serve(settings: ServerSettings): Promise<void> {
  const log = createLog(settings.logLevel);
  ignoreProxies(log);
  // Before anything answers: who is told that the server is ready may end it in the same moment.
  const asked = endSignal(log);
  const { startServer } = await import("./server.ts");
  const server = await startServer(settings, process.env, log);
  log.info({ port: server.port, url: settings.baseUrl, version: buildVersion }, "ready");
  await asked;
  try {
    await server.stop();
    process.exit(0);
  } catch (error) {
    log.error({ err: error }, "the server did not end in order");
    process.exit(1);
  }
}

/** Resolves at the first SIGTERM or SIGINT, also one that comes while the server starts; the second ends the process at once. */
function endSignal(log: Log): Promise<void> {
  const asked = Promise.withResolvers<void>();
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending) process.exit(1);
      ending = true;
      log.info({ signal }, "ending; runs in progress are queued again");
      asked.resolve();
    });
  }
  return asked.promise;
}

async function changeKey(settings: ServerSettings): Promise<void> {
  const key = await replaceKeyFile(settings.dataDir);
  process.stdout.write(
    `made the secret key ${key.id}. Start the server: it seals everything anew and removes the former key when that is done.\n`,
  );
}

async function voidRegistrations({ dataDir, databaseUrl, baseUrl }: ServerSettings): Promise<void> {
  const { revokeRegistrations } = await import("./runners/revoke-registrations.ts");
  const count = await revokeRegistrations({ url: databaseUrl, dataDir });
  process.stdout.write(
    `all registration tokens made until now are void, ${count} of them were still open; make new ones at ${baseUrl}/admin/runners.\nRunners keep their credentials: if this is a restored backup, revoke there again those that were revoked after it was made.\n`,
  );
}

async function move({ dataDir, databaseUrl }: ServerSettings, url: string | undefined): Promise<void> {
  if (databaseUrl !== undefined)
    throw new AppError(
      "invalid_input",
      "DATABASE_URL is set: this server is on PostgreSQL; unset it to move the SQLite file",
    );
  if (url === undefined || !/^postgres(?:ql)?:\/\//.test(url))
    throw new AppError(
      "invalid_input",
      "name the empty database to move to: windshift migrate-database postgres://…",
    );
  const { moveDatabase } = await import("./move/move-database.ts");
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const { tables, rows } = await moveDatabase(join(dataDir, "windshift.db"), url, say);
  say(
    `moved ${rows} rows of ${tables} tables. Now set DATABASE_URL to that address and start the server; keep WINDSHIFT_DATA as it is: `,
  );
  say(
    "the secret key and the server's own repositories stay there. The SQLite file still holds everything: keep it until you are sure.",
  );
}

async function backup({ dataDir, databaseUrl }: ServerSettings, file: string | undefined): Promise<void> {
  const [{ sourceOf, writeBackup }, { backupFolder, newBackupId }] = await Promise.all([
    import("./backups/write-backup.ts"),
    import("./backups/backup-store.ts"),
  ]);
  const target =
    file === undefined
      ? join(backupFolder(dataDir), newBackupId(backupFolder(dataDir), Date.now()))
      : resolve(file);
  const facts = await writeBackup({ dataDir, database: sourceOf(databaseUrl), target });
  const database = facts.database ? "the database and " : "";
  process.stdout.write(
    `${target}\nholds ${database}${facts.repositories} local repositories; SHA-256 ${facts.sha256}\n${facts.database ? "" : `It does not hold the PostgreSQL database. Save that too, before the repositories:\n  ${PG_DUMP}\n`}The secret key is not in it: keep WINDSHIFT_SECRET_KEY or ${join(dataDir, "secret-key")} elsewhere, or its secrets are lost.\n`,
  );
}

async function restore({ dataDir, databaseUrl }: ServerSettings, args: readonly string[]): Promise<void> {
  const file = args.find((arg) => arg !== KEEP);
  if (file === undefined) throw new AppError("invalid_input", "name the backup: windshift restore FILE");
  const credentials = credentialsOf(args);
  const { restoreBackup } = await import("./backups/restore-backup.ts");
  const manifest = await restoreBackup({ dataDir, databaseUrl, file: resolve(file), credentials });
  const { repositories, database, created_at } = manifest;
  const next = database
    ? `${VOID[credentials]}\nPut the secret key of that time in place, then start the server.`
    : 'Put the database of that time back (pg_restore) and the secret key in place, run "windshift revoke-tokens", then start the server.';
  process.stdout.write(
    `restored ${repositories.length} repositories${database ? " and the database" : ""} of ${created_at} into ${dataDir}.\n${next}\n`,
  );
}

async function voidTokens({ dataDir, databaseUrl }: ServerSettings, args: readonly string[]): Promise<void> {
  const credentials = credentialsOf(args);
  const [{ voidRestored }, { openDatabase }] = await Promise.all([
    import("./backups/void-restored.ts"),
    import("./db/database.ts"),
  ]);
  const sqliteFile = join(dataDir, "windshift.db");
  if (databaseUrl === undefined && !existsSync(sqliteFile))
    throw new AppError("not_found", `WINDSHIFT_DATA: there is no database in ${dataDir}`);
  const database = await openDatabase({ url: databaseUrl, sqliteFile });
  try {
    await voidRestored(database, credentials);
  } finally {
    await database.close();
  }
  process.stdout.write(`${VOID[credentials]}\n`);
}

/** Of `restore` and `revoke-tokens`: leaves API tokens and credentials of runners alone. */
const KEEP = "--keep-credentials";
/** What people have to do then. */
const VOID = {
  void: "All tokens, sessions, invitations and links of that time are void: people sign in again and make their API tokens anew, and runners are registered again.",
  keep: "Registration tokens, sessions, invitations and links of that time are void. API tokens and credentials of runners are as they were then: take back again what was taken back since.",
} as const;

function credentialsOf(args: readonly string[]): "void" | "keep" {
  const unknown = args.find((arg) => arg.startsWith("--") && arg !== KEEP);
  if (unknown !== undefined)
    throw new AppError("invalid_input", `there is no option ${unknown}; there is ${KEEP}`);
  return args.includes(KEEP) ? "keep" : "void";
}

/** What a server starts for itself: data folder, whether the database is saved, file; a database's address comes by the environment. */
async function writeBackupFor([dataDir = "", database, target = ""]: readonly string[]): Promise<void> {
  const { sourceOf, writeBackup } = await import("./backups/write-backup.ts");
  const source = database === "database" ? sourceOf(process.env.DATABASE_URL) : undefined;
  await writeBackup({ dataDir, database: source, target });
}

async function diagnose(settings: ServerSettings): Promise<void> {
  const { runDoctor } = await import("./doctor/doctor.ts");
  const options = {
    settings,
    worktreeRoot: worktreeRootOf(settings),
    apiUrl: containerApiUrl(settings),
    apiWarning: localhostWarning(settings),
    triage: triageCommand(settings.triageBin, process.execPath, import.meta.dir),
    path: process.env.PATH ?? DEFAULT_PATH,
    env: process.env,
  };
  const healthy = await runDoctor(options, (line) => process.stdout.write(`${line}\n`));
  process.exit(healthy ? 0 : 1);
}
