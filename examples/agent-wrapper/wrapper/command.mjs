import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { told } from "./events.mjs";
import { readOutput } from "./output.mjs";
import { commandEnv, settings } from "./settings.mjs";

/** Between the polite signal and the one nothing survives, ms. The runner kills the container 10 s after `abort`. */
const TERM_GRACE_MS = 3_000;
/**
 * Output is read on after a command's group is dead, until none has come for so long or so much time has passed, ms: what left the
 * group may hold the pipe open for ever, and a busy machine takes its time for megabytes.
 */
const QUIET_MS = 500;
const DRAIN_MS_MAX = 10_000;

/** Runs a shell command with the prompt on stdin and in $PROMPT_FILE. Resolves with its exit code or signal. */
export async function runCommand(command, prompt, { scratch, signal }) {
  const promptFile = join(scratch, "prompt.md");
  writeFileSync(promptFile, prompt, { mode: 0o600 });
  told.said = "";
  told.fault = undefined;
  const child = spawn("sh", ["-c", command], {
    cwd: settings.workspace,
    env: { ...commandEnv(), PROMPT_FILE: promptFile },
    stdio: ["pipe", "pipe", "inherit"], // what it says on stderr becomes the run's `stderr` events
    detached: true, // a process group of its own, which can be ended as a whole
  });
  const exited = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, killedBy) => resolve(code ?? killedBy));
  });
  child.stdin.on("error", () => {}); // an agent need not read its stdin
  child.stdin.end(prompt);
  const end = () => {
    signalGroup(child.pid, "SIGTERM");
    setTimeout(() => signalGroup(child.pid, "SIGKILL"), TERM_GRACE_MS).unref();
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  let quiet;
  const read = readOutput(child.stdout, () => quiet?.refresh());
  try {
    const code = await exited;
    signalGroup(child.pid, "SIGKILL"); // what it left in the background ends with it
    quiet = setTimeout(() => child.stdout.destroy(), QUIET_MS);
    const late = setTimeout(() => child.stdout.destroy(), DRAIN_MS_MAX);
    await read.catch(() => {}); // destroyed: everything before was read
    clearTimeout(quiet);
    clearTimeout(late);
    return code;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group is gone already.
  }
}
