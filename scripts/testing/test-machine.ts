import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { PROGRAM_DIR } from "@windshift/testing/program-command.ts";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { freshProgram } from "../build/fresh-program.ts";
import { hostArchitecture, RUNNER_PROGRAMS, SERVER_PROGRAM, WS_PROGRAM } from "../build/programs.ts";
import { ensureAgentImage } from "../image.ts";
import { childEnv } from "../setup/child-env.ts";
import { ensureChromium } from "../setup/ensure-chromium.ts";
import { ensureEngine } from "../setup/ensure-engine.ts";
import { ensurePackages, program } from "../setup/ensure-packages.ts";
import { ensurePostgres } from "../setup/ensure-postgres.ts";
import type { Log } from "../setup/log.ts";

/** What the chosen tests need of the machine. */
export interface TestNeeds {
  /** Folder for temporary files. */
  scratch: string;
  engine: boolean;
  postgres: boolean;
  browser: boolean;
  /** The programs as they are shipped. */
  programs: boolean;
}

/** The machine made ready: variables the tests read, what could not be had, and how to end what was started. */
export interface TestMachine {
  env: Record<string, string>;
  /** Sentences for a person; tests that need these things fail. */
  problems: string[];
  /** Ends all that was started. @throws AggregateError of what could not be ended, after trying everything */
  stop(): Promise<void>;
}

/** Installs and starts what the tests need. `stop` must be called, also after a failure. */
export async function prepareTestMachine(needs: TestNeeds, log: Log): Promise<TestMachine> {
  const stops: (() => Promise<void>)[] = [];
  const machine: TestMachine = {
    env: { TMPDIR: needs.scratch },
    problems: [],
    stop: async () => {
      const ends = await Promise.allSettled(stops.splice(0).map((stop) => stop()));
      const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
      if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join("; "));
    },
  };
  // Beside all that waits for daemons and packages.
  const compiled = needs.programs ? compilePrograms(log) : undefined;
  // ripgrep is one of the two engines of the agent's grep.
  const programs = await ensurePackages([program("git"), program("rg", "ripgrep")], log);
  if (programs.kind === "missing") machine.problems.push(programs.why);
  if (needs.postgres) {
    log("Starting a throw-away PostgreSQL ...");
    const postgres = await ensurePostgres(log, { parent: needs.scratch });
    if (postgres.kind === "running") {
      stops.push(postgres.stop);
      machine.env.WINDSHIFT_TEST_DATABASE_URL = postgres.url;
    } else machine.problems.push(`No PostgreSQL: ${postgres.why}`);
  }
  if (needs.engine) await prepareEngine(machine, stops, log);
  if (needs.browser) {
    const chromium = await ensureChromium(log);
    if (chromium.kind === "ready") machine.env.WINDSHIFT_TEST_CHROMIUM = chromium.path;
    else machine.problems.push(`No Chromium: ${chromium.why}`);
  }
  const programDir = await compiled;
  if (programDir !== undefined) machine.env[PROGRAM_DIR] = programDir;
  return machine;
}

/**
 * Tests that start programs start them as they are shipped: that is the real thing, and half of the processor's time.
 * @returns their folder; nothing when they cannot be compiled: the tests start the sources then, and those of the compiler say why
 */
async function compilePrograms(log: Log): Promise<string | undefined> {
  const target = hostArchitecture();
  try {
    for (const program of [SERVER_PROGRAM, ...RUNNER_PROGRAMS, WS_PROGRAM])
      await freshProgram(program, target, log);
    return join(REPOSITORY_ROOT, "dist", target);
  } catch (error) {
    log(`The programs could not be compiled, so tests start their sources: ${String(error)}`);
    return undefined;
  }
}

async function prepareEngine(machine: TestMachine, stops: (() => Promise<void>)[], log: Log): Promise<void> {
  const engine = await ensureEngine(log);
  if (engine.kind === "unavailable") {
    machine.problems.push(`No container engine: ${engine.why}`);
    return;
  }
  stops.push(engine.stop);
  machine.env.CODING_AGENT_DOCKER_BINARY = engine.cli;
  await ensureTestNetworks(engine.cli);
  try {
    machine.env.WINDSHIFT_TEST_IMAGE = await ensureAgentImage({ log });
  } catch (error) {
    machine.problems.push(`No agent image: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The networks that container tests share. Made here once: two test files that make one at the same time make two of one name. */
const TEST_NETWORKS: Readonly<Record<string, readonly string[]>> = {
  "windshift-test": [],
  "windshift-e2e": ["--internal"],
};
/** Making a network takes well under a second. */
const NETWORK_MS_MAX = 30_000;

async function ensureTestNetworks(cli: string): Promise<void> {
  for (const [name, options] of Object.entries(TEST_NETWORKS)) {
    const call = (...args: string[]) =>
      exec([cli, "network", ...args, name], { env: childEnv(), timeoutMs: NETWORK_MS_MAX });
    if ((await call("inspect")).exitCode !== 0) await call("create", ...options);
  }
}
