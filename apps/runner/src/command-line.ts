import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildVersion, runsFromSource } from "@windshift/base/build-version.ts";
import { redact } from "@windshift/base/redact.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { ERROR_CODES } from "@windshift/contract/error-codes.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { type RunnerSettings, readRunnerSettings } from "./config.ts";
import { rotateKeptCredential } from "./credential-rotation.ts";
import { type DoctorFormat, printBadSettings, runDoctor } from "./doctor/doctor.ts";
import { DEFAULT_PATH } from "./engine.ts";
import { createLog } from "./log.ts";
import { runRunner } from "./runner.ts";
import { checkSharedFolder } from "./shared-folder.ts";

const USAGE = `windshift-runner                    claim runs of a pool and do them on this host; settings come from the environment (docs/configuration.md)
windshift-runner rotate-credential  change the credential that is kept; the former one works for an hour more
windshift-runner doctor [-o json]   check each thing a run on this host needs, and say what to do about what is missing
windshift-runner --version
`;

/** Does what the arguments ask for; a failure is told on standard error and in the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    await runCommand(args);
    process.exit(0);
  } catch (error) {
    const known = error instanceof AppError;
    const said = known
      ? error.message
      : `internal error: ${error instanceof Error ? error.stack : String(error)}`;
    process.stderr.write(redact(`windshift-runner: ${said}\n`));
    process.exit(ERROR_CODES[known ? error.code : "internal"].exit);
  }
}

async function runCommand(args: readonly string[]): Promise<void> {
  switch (args[0]) {
    case undefined:
    case "run":
      return serve(settingsOrExit());
    case "rotate-credential": {
      const settings = settingsOrExit();
      return rotateKeptCredential(settings, createLog(settings.logLevel));
    }
    case "doctor":
      return diagnose(args.slice(1));
    case "--version":
      return void process.stdout.write(`windshift-runner ${buildVersion}\n`);
    case "help":
    case "--help":
      return void process.stdout.write(USAGE);
    default:
      throw new AppError("invalid_input", `there is no command "${args[0]}"\n${USAGE}`);
  }
}

function settingsOrExit(): RunnerSettings {
  const result = readRunnerSettings(process.env);
  if (result.kind === "ok") return result.settings;
  for (const problem of result.problems) process.stderr.write(`windshift-runner: ${problem}\n`);
  process.exit(ERROR_CODES.invalid_input.exit);
}

async function diagnose(args: readonly string[]): Promise<void> {
  const format = formatOf(args);
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const read = readRunnerSettings(process.env);
  if (read.kind === "problems") {
    printBadSettings(read.problems, format, print);
    process.exit(1);
  }
  const { settings } = read;
  const triage = triageCommand(settings.triageBin);
  const options = { settings, triage, path: process.env.PATH ?? DEFAULT_PATH, env: process.env };
  process.exit((await runDoctor(options, format, print)) ? 0 : 1);
}

function formatOf(args: readonly string[]): DoctorFormat {
  const text = args.join(" ");
  if (text === "" || text === "-o text") return "text";
  if (text === "-o json") return "json";
  throw new AppError("invalid_input", `doctor takes -o json or nothing, not "${text}"`);
}

async function serve(settings: RunnerSettings): Promise<void> {
  const log = createLog(settings.logLevel);
  const triage = triageCommand(settings.triageBin);
  await checkSharedFolder(settings, process.env, log);
  await runRunner({ settings, env: process.env, triage, log }, watchSignals(settings.drainTimeoutMs, log));
}

/** The first SIGTERM or SIGINT drains, for so long at most; the second cancels. */
function watchSignals(drainTimeoutMs: number, log: JobLog) {
  const drain = new AbortController();
  const cancel = new AbortController();
  const onSignal = () => {
    if (drain.signal.aborted) {
      log.warn("ending now: what runs is cut off and queued again");
      return cancel.abort();
    }
    log.info("draining: no more work is taken, what runs comes to its end; once more ends it now");
    drain.abort();
    setTimeout(() => {
      log.warn("the drain took too long (WSRUNNER_DRAIN_TIMEOUT): what runs is cut off and queued again");
      cancel.abort();
    }, drainTimeoutMs).unref();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return { drain: drain.signal, cancel: cancel.signal };
}

/** The setting's program, else the one beside ours, else the source tree's when we run from source, else what the PATH has. */
function triageCommand(setting: string | undefined): string[] {
  if (setting !== undefined) return [setting];
  const beside = join(dirname(process.execPath), "windshift-triage");
  if (existsSync(beside)) return [beside];
  if (!runsFromSource) return ["windshift-triage"];
  return [process.execPath, join(import.meta.dir, "../../triage/src/main.ts")];
}
