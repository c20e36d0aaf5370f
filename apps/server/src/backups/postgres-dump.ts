import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";

/** Where Debian keeps the programs of each version of PostgreSQL; the newest reads and writes for all before it. */
const VERSIONS_DIR = "/usr/lib/postgresql";
const PATH = "/usr/local/bin:/usr/bin:/bin";
/** How long a database may take to be saved or put back, ms. */
const DUMP_MS_MAX = 6 * 3_600_000;

/** Whether PostgreSQL's own program for saving a database is installed beside this server. */
export function canDump(): boolean {
  return findProgram("pg_dump") !== undefined;
}

/**
 * Saves a PostgreSQL database as it is at one moment into a file that `pg_restore` reads, whatever is written meanwhile.
 * @throws AppError `unavailable` with pg_dump's own words, such as that it is older than the server
 */
export async function dumpPostgres(url: string, file: string): Promise<void> {
  await run("pg_dump", url, ["--format=custom", "--no-owner", "--no-acl", `--file=${file}`]);
}

/**
 * Puts a saved database into one that is empty: all of it or nothing.
 * @throws AppError `conflict` when the database holds something; `unavailable` with pg_restore's own words
 */
export async function restorePostgres(url: string, file: string): Promise<void> {
  const options = ["--no-owner", "--no-acl", "--exit-on-error", "--single-transaction"];
  await requireNoTables(url);
  await run("pg_restore", url, [...options, file]);
}

/** Size of the database, bytes; what is saved of it is smaller. */
export function postgresBytes(url: string): Promise<number> {
  return ask(url, "select pg_database_size(current_database()) as n");
}

/** @throws AppError `conflict` */
export async function requireNoTables(url: string): Promise<void> {
  const tables = "select count(*) as n from information_schema.tables where table_schema = current_schema()";
  if ((await ask(url, tables)) > 0)
    throw new AppError(
      "conflict",
      "DATABASE_URL: the database has tables; name an empty one (createdb), and keep the other until you are sure",
    );
}

async function ask(url: string, question: string): Promise<number> {
  const { default: pg } = await import("pg"); // the client is not loaded where nobody needs it
  const client = new pg.Client({ connectionString: url, application_name: "windshift backup" });
  try {
    await client.connect();
    const { rows } = await client.query<{ n: string }>(question);
    return Number(rows[0]?.n ?? 0);
  } catch (cause) {
    const why = redact(cause instanceof Error ? cause.message : String(cause));
    throw new AppError("unavailable", `the database of DATABASE_URL cannot be used: ${why}`, { cause });
  } finally {
    await client.end();
  }
}

/** The password goes by the environment of the child, as arguments are for all on the machine to see. */
async function run(name: "pg_dump" | "pg_restore", url: string, options: string[]): Promise<void> {
  const program = findProgram(name);
  if (program === undefined)
    throw new AppError(
      "unavailable",
      `${name} is not installed; it comes with PostgreSQL's client programs (apt-get install postgresql-client)`,
    );
  const address = new URL(url);
  const password = decodeURIComponent(address.password);
  address.password = "";
  const result = await exec([program, ...options, `--dbname=${address.href}`], {
    env: { PATH, LC_ALL: "C.UTF-8", ...(password === "" ? {} : { PGPASSWORD: password }) },
    timeoutMs: DUMP_MS_MAX,
  });
  if (result.exitCode === 0) return;
  const why = result.timedOut ? "it took too long" : redact(result.stderr.trim()).slice(0, 500);
  throw new AppError("unavailable", `${name} failed: ${why}`);
}

function findProgram(name: string): string | undefined {
  const versions = existsSync(VERSIONS_DIR) ? readdirSync(VERSIONS_DIR) : [];
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  const folders = [...newestFirst.map((version) => join(VERSIONS_DIR, version, "bin")), ...PATH.split(":")];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}
