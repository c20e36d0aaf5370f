import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "../../scripts/setup/child-env.ts";
import { ensurePackages } from "../../scripts/setup/ensure-packages.ts";
import { findBinDir } from "../../scripts/setup/ensure-postgres.ts";
import { fileTail } from "../../scripts/setup/file-tail.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import { findUnprivilegedUser } from "../../scripts/setup/unix-user.ts";

/** `initdb` and a start after a crash take seconds; a loaded machine may take much longer, ms. */
const COMMAND_MS_MAX = 120_000;
const ROLE = "windshift";

interface Place {
  dir: string;
  binDir: string;
  prefix: readonly string[];
  password: string;
  /** A disk of its own, which can be full. */
  disk: string | undefined;
}

/**
 * A PostgreSQL of a rig's own that can be crashed, followed by a standby and put in its place. Its commits wait for the disk, as
 * they do where it comes from a package.
 */
export class PostgresCluster {
  private constructor(
    private readonly place: Place,
    readonly name: string,
    readonly port: number,
  ) {}

  /** @param diskMb so much room and no more, on a disk of its own in memory, which only root can make; MB */
  static async start(diskMb?: number): Promise<PostgresCluster> {
    await ensurePackages([{ package: "postgresql", present: () => findBinDir() !== undefined }], say);
    const binDir = findBinDir();
    const user = await findUnprivilegedUser();
    if (binDir === undefined || user === undefined) throw new Error("PostgreSQL cannot be run here");
    const dir = mkdtempSync(join(tmpdir(), "windshift-replicas-"));
    const password = randomBytes(24).toString("hex");
    writeFileSync(join(dir, "password"), password, { mode: 0o600 });
    for (const path of [dir, join(dir, "password")])
      if (user.prefix.length > 0) chownSync(path, user.uid, user.gid);
    const disk = diskMb === undefined ? undefined : join(dir, "primary");
    const place = { dir, binDir, prefix: user.prefix, password, disk };
    const cluster = new PostgresCluster(place, "primary", await freePort());
    if (disk !== undefined) {
      mkdirSync(disk);
      const options = `size=${diskMb}m,mode=0700,uid=${user.uid},gid=${user.gid}`;
      await run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk]);
    }
    const auth = ["--auth", "scram-sha-256", "--pwfile", join(dir, "password")];
    await cluster.run("initdb", [
      "--pgdata",
      cluster.data,
      "--username",
      ROLE,
      "--encoding",
      "UTF8",
      ...auth,
    ]);
    await cluster.begin();
    return cluster;
  }

  /** Of the superuser, for the database `postgres`; by another port when something stands before it. */
  url(port = this.port): string {
    return `postgres://${ROLE}:${this.place.password}@127.0.0.1:${port}/postgres`;
  }

  /** Crashes it: no checkpoint, every connection cut; and starts it again on what the disk has. */
  async crashAndStart(): Promise<void> {
    await this.crash();
    await this.begin();
  }

  async crash(): Promise<void> {
    await this.run("pg_ctl", ["stop", "--pgdata", this.data, "--mode", "immediate"]);
  }

  /** A standby that has all that this one has acknowledged from now on: commits wait for both. */
  async follow(): Promise<PostgresCluster> {
    const standby = new PostgresCluster(this.place, "standby", await freePort());
    await this.run("pg_basebackup", [
      ...["--pgdata", standby.data, "--dbname", `${this.url()}?application_name=standby`],
      ...["--write-recovery-conf", "--checkpoint", "fast", "--wal-method", "stream"],
    ]);
    await standby.begin();
    await this.query("alter system set synchronous_standby_names = 'standby'");
    await this.query("select pg_reload_conf()");
    return standby;
  }

  /** Makes a standby the one that is written to. */
  async promote(): Promise<void> {
    await this.query("alter system set synchronous_standby_names = ''");
    await this.run("pg_ctl", ["promote", "--pgdata", this.data, "--wait"]);
    await this.query("select pg_reload_conf()");
  }

  /** Nothing more can be written to its disk. */
  async fillDisk(): Promise<void> {
    await run([
      "sh",
      "-c",
      'dd if=/dev/zero of="$0" bs=64k 2>/dev/null; dd if=/dev/zero bs=512 2>/dev/null >>"$0"; true',
      this.filler,
    ]);
  }

  /** There is room again, and it runs, whether it had ended for want of room or not. */
  async freeDisk(): Promise<void> {
    rmSync(this.filler);
    const isUp = await this.query("select 1").catch(() => "");
    if (isUp === "1") return;
    await this.stop();
    await this.begin();
  }

  async query(statement: string): Promise<string> {
    return this.run("psql", [this.url(), "--no-align", "--tuples-only", "--quiet", "--command", statement]);
  }

  /** Ends it, when it runs. The files of all go with `remove`. */
  async stop(): Promise<void> {
    await this.run("pg_ctl", ["stop", "--pgdata", this.data, "--mode", "immediate"]).catch(() => {});
  }

  async remove(): Promise<void> {
    const { disk } = this.place;
    if (disk !== undefined) await run(["umount", "--lazy", disk]);
    rmSync(this.place.dir, { recursive: true, force: true });
  }

  private get filler(): string {
    return join(this.place.disk ?? this.data, "filler");
  }

  private get data(): string {
    return join(this.place.dir, this.name);
  }

  private async begin(): Promise<void> {
    const log = join(this.place.dir, `${this.name}.log`);
    const options = `-c port=${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.place.dir} -c max_connections=100`;
    const start = ["start", "--wait", "--pgdata", this.data, "--log", log, "--options", options];
    await this.run("pg_ctl", start).catch((cause: unknown) => {
      throw new Error(`PostgreSQL did not start:\n${fileTail(log)}`, { cause });
    });
  }

  private async run(program: string, args: readonly string[]): Promise<string> {
    const { dir, binDir, prefix } = this.place;
    const done = await exec([...prefix, join(binDir, program), ...args], {
      cwd: dir,
      env: childEnv({ LC_ALL: "C.UTF-8" }),
      timeoutMs: COMMAND_MS_MAX,
    });
    if (done.exitCode !== 0) throw new Error(`${program} ended with ${done.exitCode}: ${done.stderr.trim()}`);
    return done.stdout.trim();
  }
}

async function run(argv: readonly string[]): Promise<void> {
  const done = await exec(argv, { env: childEnv({ LC_ALL: "C.UTF-8" }), timeoutMs: COMMAND_MS_MAX });
  if (done.exitCode !== 0) throw new Error(`${argv[0]} ended with ${done.exitCode}: ${done.stderr.trim()}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
