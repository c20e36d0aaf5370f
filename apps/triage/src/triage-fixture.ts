import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import type { Oid } from "@windshift/contract/ids.ts";
import { TriageReply } from "@windshift/contract/triage.ts";
import { type BrokerFixture, type RunGrant, startBroker } from "@windshift/git-broker/broker-fixture.ts";

/** The user of the agent's container. Source: INTERFACES section 3. */
export const AGENT_USER = { uid: 1000, gid: 1000 };
const PROGRAM = [process.execPath, join(import.meta.dir, "main.ts")];

/** One attempt on a host: its folders, its grant at a real broker, and the program under test. For tests only. */
export interface AttemptFixture {
  run: RunGrant;
  branch: string;
  root: string;
  checkout: string;
  bundle: string;
  clean: string;
  cache: string;
  prepare(change?: object): Promise<ProgramEnd>;
  push(base: Oid | string, change?: object): Promise<ProgramEnd>;
}
export interface ProgramEnd {
  reply: TriageReply;
  stderr: string;
}

export interface TriageFixture {
  broker: BrokerFixture;
  cache: string;
  attempt(run: number): Promise<AttemptFixture>;
  stop(): Promise<void>;
}

export async function startTriage(): Promise<TriageFixture> {
  const broker = await startBroker();
  const root = await mkdtemp(join(tmpdir(), "triage-"));
  const cache = join(root, "cache", "repo.git");
  return {
    broker,
    cache,
    attempt: (run) => openAttempt(broker, cache, join(root, `run-${run}`), run),
    async stop() {
      await broker.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function openAttempt(
  broker: BrokerFixture,
  cache: string,
  root: string,
  runNumber: number,
): Promise<AttemptFixture> {
  const run = broker.grant(runNumber);
  const branch = run.ref.slice("refs/heads/".length);
  const paths = {
    root,
    checkout: join(root, "checkout"),
    bundle: join(root, "bundle"),
    clean: join(root, "clean"),
  };
  await mkdir(paths.checkout, { recursive: true });
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
    cache,
    ...paths,
    prepare: (change = {}) =>
      runProgram({
        op: "prepare",
        ...common,
        base_ref: "main",
        checkout_dir: paths.checkout,
        owner: process.getuid?.() === 0 ? AGENT_USER : null,
        ...change,
      }),
    push: (base, change = {}) =>
      runProgram({
        op: "push",
        ...common,
        bundle_file: paths.bundle,
        clean_dir: paths.clean,
        base_oid: base,
        branch_oid: null,
        message: "All changes of the run, as one commit\n",
        ...change,
      }),
  };
}

/** Starts the program as a runner does: nothing but PATH in its environment, the request on its stdin. */
export async function startProgram(stdin: string, args: string[] = []) {
  const child = Bun.spawn([...PROGRAM, ...args], {
    env: { PATH: process.env.PATH ?? "" },
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { stdout, stderr, exitCode: await child.exited };
}

async function runProgram(request: object): Promise<ProgramEnd> {
  const end = await startProgram(JSON.stringify(request));
  if (end.exitCode !== 0) throw new Error(`windshift-triage ended with ${end.exitCode}: ${end.stderr}`);
  return { reply: TriageReply.parse(JSON.parse(end.stdout)), stderr: end.stderr };
}

/** Runs git as the agent would, in its checkout. @returns its output, trimmed */
export async function agentGit(checkout: string, ...args: string[]): Promise<string> {
  const result = await git(["-c", "safe.directory=*", ...args], { cwd: checkout, timeoutMs: 60_000 });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}
