import { LiveOutput } from "./live-output.ts";
import { signalGroup } from "./process-group.ts";
import { shellErrors, takeShellErrors } from "./shell-errors.ts";
import { endStrays, markCall } from "./strays.ts";
import { defineTool, type ToolContext, type ToolResult } from "./tool.ts";

/** Source: INTERFACES section 6. */
const TIMEOUT_S_DEFAULT = 120;
const TIMEOUT_S_MAX = 3_600;
/** A command that is longer cannot be started: the kernel takes 131,072 bytes in one argument. */
const COMMAND_BYTES_MAX = 130_000;
/** Time between the polite signal and the one nothing survives, ms. Well within the 10 s an abort may take. */
const TERM_GRACE_MS = 1_000;
/** How often it is asked whether a group that was told to end is gone, ms. */
const GROUP_POLL_MS = 20;
/** How long output is still read once the group is dead: a process that left the group may hold the pipe open for ever, ms. */
const DRAIN_MS_MAX = 500;

export const bashTool = defineTool({
  name: "bash",
  description:
    "Run a shell command in the checkout. Each call is a new shell. Returns stdout and stderr together and the exit code. Background processes end with the command.",
  parameters: {
    command: { type: "string" },
    timeout_s: {
      type: "integer",
      minimum: 1,
      maximum: TIMEOUT_S_MAX,
      description: "default 120",
      optional: true,
    },
  },
  async run({ command, timeout_s = TIMEOUT_S_DEFAULT }, context) {
    if (Buffer.byteLength(command) > COMMAND_BYTES_MAX)
      return { output: "error: bash: the command is too long; write long texts with write_file" };
    return runCommand(command, timeout_s * 1_000, context);
  },
});

/** Runs the command in a session of its own, without a terminal; nothing of it is left when this resolves. */
async function runCommand(command: string, timeoutMs: number, context: ToolContext): Promise<ToolResult> {
  const mark = markCall(context.env());
  const shell = findShell(mark.env.PATH ?? "");
  // One pipe for both streams keeps their lines in order.
  const child = Bun.spawn([shell, "-c", `exec 2>&1; ${command}`], {
    cwd: context.workspace.root,
    env: mark.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: shellErrors(),
    detached: true,
  });
  const collector = context.outputs.collect("terminal");
  const live = new LiveOutput(context.progress);
  const take = (chunk: Uint8Array) => {
    collector.push(chunk);
    live.push(chunk);
  };
  const output = drain(child.stdout, take);
  const ending = endOnTimeoutOrAbort(child.pid, timeoutMs, context.signal);
  await child.exited;
  // Its children got the polite signal too, and the same time to clean up.
  if (ending.why() !== undefined) await groupGone(child.pid);
  ending.clear();
  await endStrays(mark, child.pid);
  await drained(output);
  if (child.exitCode !== 0) take(takeShellErrors());
  live.close();
  const shown = collector.end();
  // One that was ended may still say that all went well, as what cleaned up last did.
  const exitCode = ending.why() === undefined ? (child.exitCode ?? -1) : child.exitCode || -1;
  return {
    output: [shown.text.trimEnd(), statusLine(ending.why(), exitCode, child.signalCode, timeoutMs)]
      .filter((part) => part !== "")
      .join("\n"),
    exitCode,
    truncated: shown.truncated,
    fullPath: shown.fullPath,
  };
}

let found: { path: string; shell: string } | undefined;
/** An image that is not ours may have no bash. Looked for once, in all folders of the PATH. */
function findShell(path: string): string {
  if (found?.path !== path) found = { path, shell: Bun.which("bash", { PATH: path }) ?? "sh" };
  return found.shell;
}

interface Drain {
  /** Resolves at the end of the stream, or once it is closed. */
  ended: Promise<void>;
  close(): Promise<void>;
}

function drain(stream: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Drain {
  const reader = stream.getReader();
  const readAll = async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read()) take(read.value);
  };
  return { ended: readAll(), close: () => reader.cancel() };
}

/** Waits for the end of the stream, and closes one that a process outside the group still holds open. */
async function drained({ ended, close }: Drain): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS_MAX);
  });
  await Promise.race([ended, late]);
  clearTimeout(timer);
  await close();
}

function endOnTimeoutOrAbort(pid: number, timeoutMs: number, signal: AbortSignal) {
  let why: "timeout" | "abort" | undefined;
  let killTimer: ReturnType<typeof setTimeout> | undefined;
  const end = (reason: "timeout" | "abort") => {
    why ??= reason;
    signalGroup(pid, "SIGTERM");
    killTimer ??= setTimeout(() => signalGroup(pid, "SIGKILL"), TERM_GRACE_MS);
  };
  const timer = setTimeout(() => end("timeout"), timeoutMs);
  const onAbort = () => end("abort");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    why: () => why,
    clear() {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

/** Resolves when no process of the group is left. The kill that follows the grace makes sure that this comes. */
async function groupGone(pid: number): Promise<void> {
  const lastMs = performance.now() + TERM_GRACE_MS;
  while (signalGroup(pid, 0) && performance.now() < lastMs) await Bun.sleep(GROUP_POLL_MS);
}

function statusLine(
  why: "timeout" | "abort" | undefined,
  exitCode: number,
  signalCode: string | number | null,
  timeoutMs: number,
): string {
  if (why === "timeout")
    return `[timed out after ${timeoutMs / 1_000} s; the command and its children were killed]`;
  if (why === "abort") return "[aborted]";
  if (signalCode !== null) return `[killed by ${signalCode}]`;
  return exitCode === 0 ? "" : `[exit code ${exitCode}]`;
}
