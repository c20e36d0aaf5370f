import { appendFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DockerCli, dockerCliEnv } from "@windshift/execution/docker-cli.ts";
import { SANDBOX_MARK } from "@windshift/execution/process-sandbox.ts";
import { killMarked, markedProcesses } from "@windshift/execution/process-tree.ts";
import { INSTANCE_LABEL } from "@windshift/execution/sandbox-labels.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { keepLog } from "@windshift/testing/kept-log.ts";
import type { Link } from "./link.ts";

const RUNNER_MAIN = resolve(import.meta.dir, "../../apps/runner/src/main.ts");
const PRELOADS = ["short-times.ts", "shifted-clock.ts"].flatMap((file) => [
  "--preload",
  resolve(import.meta.dir, file),
]);

export interface HostOptions {
  name: string;
  /** Everything it keeps. */
  dir: string;
  link: Link;
  /** Folder with the agent. */
  bin: string;
  env: Record<string, string>;
  /** Program and arguments before its own: where it runs. */
  within: readonly string[];
  /** Told of an end that nobody asked for. */
  deaths: string[];
}

/** One runner host: windshift-runner from the source, behind a link, started again and again on what it keeps. */
export class Host {
  private child: Bun.Subprocess | undefined;
  /** An end that was asked for. */
  private isEnding = false;
  private instance = "";

  constructor(readonly options: HostOptions) {}

  get link(): Link {
    return this.options.link;
  }
  get name(): string {
    return this.options.name;
  }
  get logFile(): string {
    return `${this.options.dir}.log`;
  }
  get pid(): number {
    return this.running().pid;
  }

  /** @param env over the host's own, for this start and those that follow without another */
  start(env: Record<string, string> = {}): void {
    const { bin, dir, link, name, deaths, within } = this.options;
    this.isEnding = false;
    const log = Bun.file(this.logFile);
    keepLog(this.logFile);
    const child = Bun.spawn([...within, process.execPath, ...PRELOADS, RUNNER_MAIN], {
      env: {
        PATH: `${bin}:${process.env.PATH ?? ""}`,
        HOME: process.env.HOME ?? "",
        WS_API_URL: `http://${link.address}/api`,
        WSRUNNER_ALLOW_INSECURE: "1",
        WSRUNNER_SANDBOX: "unsandboxed",
        WSRUNNER_ALLOW_UNSANDBOXED: "1",
        WSRUNNER_NAME: name,
        WSRUNNER_IMAGE: "none",
        WSRUNNER_HEARTBEAT_INTERVAL: "1s",
        WSRUNNER_POLL_INTERVAL: "200ms",
        WSRUNNER_CACHE_ROOT: dir,
        ...this.options.env,
        ...env,
      },
      detached: true,
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    this.child = child;
    void child.exited.then((code) => {
      if (this.child === child && !this.isEnding) deaths.push(`${name} ended by itself with code ${code}`);
    });
  }

  /** Starts it until it has a credential: an answer that is lost ends a start, and the next one asks again. */
  async register(): Promise<void> {
    const credential = Bun.file(join(this.options.dir, "credential"));
    this.isEnding = true;
    await eventually(
      `${this.name} is registered`,
      async () => {
        if (this.child === undefined || this.child.exitCode !== null) {
          this.start();
          this.isEnding = true;
        }
        return credential.exists();
      },
      REGISTER_MS_MAX,
    );
    this.isEnding = false;
    if (this.running().exitCode !== null) this.start();
  }

  async kill(): Promise<void> {
    this.isEnding = true;
    this.running().kill("SIGKILL");
    await this.running().exited;
  }

  stop(): void {
    this.running().kill("SIGSTOP");
  }
  resume(): void {
    this.running().kill("SIGCONT");
  }
  /** SIGTERM: once drains, twice ends. */
  terminate(): void {
    this.isEnding = true;
    this.running().kill("SIGTERM");
  }

  /** Starts it again whenever it ends, as a service manager does, until `signal` aborts; its ends are no surprise. */
  async keepStarted(env: Record<string, string>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.start(env);
      this.isEnding = true;
      await Promise.race([this.running().exited, aborted(signal)]);
    }
    this.isEnding = this.running().exitCode !== null;
  }

  /** The exit code, or undefined when it still runs after `ms`. */
  async exitedWithin(ms: number): Promise<number | undefined> {
    return Promise.race([this.running().exited, Bun.sleep(ms).then(() => undefined)]);
  }

  /** What attempts left on it: folders, spools, homes, processes (I10). */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    for (const folder of ["worktrees", "spool", "homes"]) {
      const names = await readdir(join(this.options.dir, folder)).catch(() => []);
      left.push(...names.map((name) => `${this.name}: ${folder}/${name}`));
    }
    const processes = await this.processes();
    left.push(...(await this.containers()).map((id) => `${this.name}: container ${id}`));
    return [...left, ...processes.map(({ pid, value }) => `${this.name}: process ${pid} ${value}`)];
  }

  /** Says in the log what was done to it, between its own lines. */
  note(what: string): Promise<void> {
    return appendFile(this.logFile, `--- ${new Date().toISOString()} ${what}\n`);
  }

  /** Ids of its containers, whatever their state, where it has some. */
  private async containers(): Promise<string[]> {
    const docker = this.options.env.WSRUNNER_DOCKER;
    const instance = await this.readInstance();
    if (docker === undefined || instance === "") return [];
    const cli = new DockerCli({ docker, env: dockerCliEnv(process.env) });
    const filter = `label=${INSTANCE_LABEL}=${instance}`;
    const answer = await cli.call(["ps", "--all", "--quiet", "--filter", filter]);
    if (answer.kind === "failed") return [`(not listed: ${answer.message})`];
    return answer.stdout.split("\n").filter(Boolean);
  }

  /** Ends it and whatever its agents left, at once. */
  async close(): Promise<void> {
    if (this.child !== undefined) await this.kill();
    for (const { value } of await this.processes()) await killMarked(SANDBOX_MARK, value);
    await this.link.close();
  }

  /** Processes of its agents, told by its instance in their environment. */
  async processes(): Promise<{ pid: number; value: string }[]> {
    const instance = await this.readInstance();
    if (instance === "") return [];
    return markedProcesses(SANDBOX_MARK).filter(({ value }) => value.includes(instance));
  }

  private async readInstance(): Promise<string> {
    const file = Bun.file(join(this.options.dir, "instance"));
    if (this.instance === "" && (await file.exists())) this.instance = (await file.text()).trim();
    return this.instance;
  }

  private running(): Bun.Subprocess {
    if (this.child === undefined) throw new Error(`${this.name} was never started`);
    return this.child;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Several starts fit in. */
const REGISTER_MS_MAX = 30_000;
