import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import { EXPORT_RELEASE, EXPORT_SCRIPT } from "@windshift/contract/export-script.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { TriageReply } from "@windshift/contract/triage.ts";
import { type BrokerFixture, type RunGrant, startBroker } from "@windshift/git-broker/broker-fixture.ts";
import { programCommand } from "@windshift/testing/program-command.ts";

/** The user of the agent's container. Source: INTERFACES section 3. */
export const AGENT_USER = { uid: 1000, gid: 1000 };
const PROGRAM = programCommand("windshift-triage");

/** One attempt on a host: its folders, its grant at a real broker, and the program under test. For tests only. */
export interface AttemptFixture {
  run: RunGrant;
  branch: string;
  root: string;
  checkout: string;
  bundle: string;
  clean: string;
  cache: string;
  /** Commits what the agent left in its checkout under a message. @returns the commit */
  commit(file: string, content: string): Promise<Oid>;
  /** Runs the export script as a plain process; for checkouts that are not hostile. @returns its exit code */
  exportHere(base: Oid): Promise<number>;
  prepare(change?: object, started?: Started): Promise<ProgramEnd>;
  /** @param path the program's PATH, instead of this process's */
  push(base: Oid | string, change?: object, path?: string): Promise<ProgramEnd>;
}
/** Told of the program when it was started. */
export type Started = (child: Bun.Subprocess) => void;
export interface ProgramEnd {
  reply: TriageReply;
  stderr: string;
}

export interface TriageFixture {
  broker: BrokerFixture;
  /** Host folder of bare copies. */
  cache: string;
  /** TMPDIR of the program. */
  temp: string;
  attempt(run: number): Promise<AttemptFixture>;
  stop(): Promise<void>;
}

export async function startTriage(): Promise<TriageFixture> {
  const broker = await startBroker();
  const root = await mkdtemp(join(tmpdir(), "triage-"));
  const cache = join(root, "cache", "repo.git");
  const temp = join(root, "tmp");
  await mkdir(temp);
  return {
    broker,
    cache,
    temp,
    attempt: (run) => openAttempt(broker, { cache, temp, root: join(root, `run-${run}`) }, run),
    async stop() {
      await broker.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

interface HostFolders {
  cache: string;
  temp: string;
  root: string;
}

async function openAttempt(
  broker: BrokerFixture,
  { cache, temp, root }: HostFolders,
  runNumber: number,
): Promise<AttemptFixture> {
  const run = broker.grant(runNumber);
  const branch = run.ref.slice("refs/heads/".length);
  const checkout = join(root, "checkout");
  const bundle = join(root, "bundle");
  const clean = join(root, "clean");
  await mkdir(checkout, { recursive: true });
  const common = {
    run_id: run.runId,
    attempt: 1,
    clone_url: run.url,
    token: run.token,
    cache_dir: cache,
    branch,
  };
  return {
    run,
    branch,
    root,
    checkout,
    bundle,
    clean,
    cache,
    prepare: (change = {}, started) => {
      const owner = process.getuid?.() === 0 ? AGENT_USER : null;
      const request = {
        op: "prepare",
        ...common,
        base_ref: "main",
        branch_oid: null,
        checkout_dir: checkout,
        owner,
      };
      const changed = { ...request, ...change };
      run.fetchRefs = [`refs/heads/${changed.base_ref}`, run.ref];
      return runProgram(changed, temp, started);
    },
    push: (base, change = {}, path) => {
      const request = {
        op: "push",
        ...common,
        bundle_file: bundle,
        clean_dir: clean,
        base_oid: base,
        branch_oid: null,
      };
      const message = "All changes of the run, as one commit\n";
      return runProgram({ ...request, message, ...change }, temp, undefined, path);
    },
    async commit(file, content) {
      await Bun.write(join(checkout, file), content);
      await agentGit(checkout, "add", "-A");
      await agentGit(checkout, "commit", "-q", "-m", `change ${file}`);
      return Oid.parse(await agentGit(checkout, "rev-parse", "HEAD"));
    },
    async exportHere(base) {
      const argv = ["sh", "-c", EXPORT_SCRIPT, "export", base, branch];
      const stdin = Buffer.from(EXPORT_RELEASE);
      return Bun.spawn(argv, { cwd: checkout, stdin, stdout: Bun.file(bundle), stderr: "ignore" }).exited;
    },
  };
}

/** Starts the program as a runner does: next to nothing in its environment, the request on its stdin. */
export async function startProgram(
  stdin: string,
  args: string[] = [],
  temp = tmpdir(),
  started?: Started,
  path = process.env.PATH ?? "",
) {
  const child = Bun.spawn([...PROGRAM, ...args], {
    env: { PATH: path, TMPDIR: temp },
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  started?.(child);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { stdout, stderr, exitCode: await child.exited };
}

async function runProgram(
  request: object,
  temp: string,
  started?: Started,
  path?: string,
): Promise<ProgramEnd> {
  const end = await startProgram(JSON.stringify(request), [], temp, started, path);
  if (end.exitCode !== 0) throw new Error(`windshift-triage ended with ${end.exitCode}: ${end.stderr}`);
  return { reply: TriageReply.parse(JSON.parse(end.stdout)), stderr: end.stderr };
}

/** The base of a checkout that was prepared. Fails the test when it was not. */
export function preparedBase({ reply }: ProgramEnd): Oid {
  if (reply.kind !== "prepared") throw new Error(`not prepared: ${JSON.stringify(reply)}`);
  return reply.base_oid;
}

/** Runs git as the agent would, in its checkout. @returns its output, trimmed */
export async function agentGit(checkout: string, ...args: string[]): Promise<string> {
  const result = await git(["-c", "safe.directory=*", ...args], { cwd: checkout, timeoutMs: 60_000 });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}
