import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "./child-env.ts";
import { ensurePackages, findProgram } from "./ensure-packages.ts";
import { fileTail } from "./file-tail.ts";
import { freePort } from "./free-port.ts";
import type { Log } from "./log.ts";
import { findUnprivilegedUser, type UnixUser } from "./unix-user.ts";

export type Postgres =
  /** `url` is of the superuser, for the database `postgres`. `stop` ends the server and removes its files. */
  { kind: "running"; url: string; stop(): Promise<void> } | { kind: "unavailable"; why: string };

export interface PostgresWish {
  /** Whether commits wait for the disk, as with a PostgreSQL as it comes. Tests go without: their data lives as long as they do. */
  durable?: boolean;
  /** Folder its own is made in; the machine's for temporary files by default. Every user must get through it. */
  parent?: string;
}

/** `initdb` and the first start take about 2 s; a loaded machine may take much longer. */
const COMMAND_MS_MAX = 60_000;
const ROLE = "windshift";

/** Makes and starts an empty PostgreSQL of our own in a temporary folder, on a random loopback port, with a random password. */
export async function ensurePostgres(log: Log, wish: PostgresWish = {}): Promise<Postgres> {
  const packages = await ensurePackages(
    [{ package: "postgresql", present: () => findBinDir() !== undefined }],
    log,
  );
  const binDir = findBinDir();
  if (packages.kind === "missing") return { kind: "unavailable", why: packages.why };
  if (binDir === undefined) return { kind: "unavailable", why: "initdb and pg_ctl were not found." };
  const user = await findUnprivilegedUser();
  if (user === undefined) {
    return {
      kind: "unavailable",
      why: "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`.",
    };
  }
  return await startCluster(binDir, user, wish);
}

/** The folder that holds both `initdb` and `pg_ctl`; Debian keeps them out of PATH. */
export function findBinDir(): string | undefined {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const dirs = newestFirst.map((version) => `/usr/lib/postgresql/${version}/bin`);
  const inPath = findProgram("initdb");
  if (inPath !== undefined) dirs.push(join(inPath, ".."));
  return dirs.find((dir) => existsSync(join(dir, "initdb")) && existsSync(join(dir, "pg_ctl")));
}

async function startCluster(binDir: string, user: UnixUser, wish: PostgresWish): Promise<Postgres> {
  const dir = mkdtempSync(join(wish.parent ?? tmpdir(), "windshift-postgres-"));
  const password = randomBytes(24).toString("hex");
  const passwordFile = join(dir, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  for (const path of [dir, passwordFile]) if (user.prefix.length > 0) chownSync(path, user.uid, user.gid);
  const data = join(dir, "data");
  const logFile = join(dir, "server.log");
  const port = await freePort();
  const run = (argv: string[]) =>
    exec([...user.prefix, ...argv], {
      cwd: dir,
      env: childEnv({ LC_ALL: "C.UTF-8" }),
      timeoutMs: COMMAND_MS_MAX,
    });
  const init = await run([
    join(binDir, "initdb"),
    ...["--pgdata", data, "--username", ROLE, "--encoding", "UTF8", "--no-sync"],
    ...["--auth", "scram-sha-256", "--pwfile", passwordFile],
  ]);
  const started =
    init.exitCode === 0 ? await run(startCommand(binDir, data, dir, port, logFile, wish)) : init;
  if (started.exitCode !== 0) {
    const why = `PostgreSQL did not start: ${started.stderr.trim()}\n${fileTail(logFile)}`;
    rmSync(dir, { recursive: true, force: true });
    return { kind: "unavailable", why };
  }
  return {
    kind: "running",
    url: `postgres://${ROLE}:${password}@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await run([join(binDir, "pg_ctl"), "stop", "--pgdata", data, "--mode", "immediate"]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** 200 connections: every test file brings pools of its own. */
function startCommand(
  binDir: string,
  data: string,
  dir: string,
  port: number,
  logFile: string,
  { durable = false }: PostgresWish,
): string[] {
  const options = [
    `-c port=${port}`,
    "-c listen_addresses=127.0.0.1",
    `-c unix_socket_directories=${dir}`,
    "-c max_connections=200",
    ...(durable ? [] : ["-c fsync=off", "-c full_page_writes=off"]),
  ];
  return [
    join(binDir, "pg_ctl"),
    ...["start", "--wait", "--pgdata", data, "--log", logFile, "--options", options.join(" ")],
  ];
}
