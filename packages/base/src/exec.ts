/** How a child process is run. */
export interface ExecOptions {
  cwd?: string;
  /** The whole environment of the child; nothing is inherited unless it is named here. */
  env: Record<string, string>;
  stdin?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** The process is killed after this many ms. */
  timeoutMs: number;
  /** Each output is cut after this many bytes; the rest is read and dropped. */
  outputBytesMax?: number;
  signal?: AbortSignal | undefined;
  /** When set, the process is first asked to end (SIGTERM) and killed only this many ms later, so that it can clean up. */
  graceMs?: number;
  /** Gets stdout as it comes, all of it, also what is cut. */
  onStdout?: ((chunk: Uint8Array) => void) | undefined;
  /** Gets stderr as it comes, for progress; it is collected all the same. */
  onStderr?: (chunk: Uint8Array) => void;
}

export interface ExecResult {
  /** -1 when the process was killed by a signal. */
  exitCode: number;
  signalCode: string | number | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

/** What a killed program had already printed is read within this, ms. */
const DRAIN_MS = 100;
/** 1 MiB: more than any message we read from a tool. */
const OUTPUT_BYTES_MAX = 1_048_576;

/**
 * Runs one program to its end and collects what it prints. A failing command is an exit code, not an exception. When it
 * is killed this resolves as soon as it is gone, also if a child of its own still holds its outputs.
 * @throws Error when the program cannot be started (not found, not executable)
 */
export async function exec(argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const child = Bun.spawn([...argv], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env,
    stdin: stdinOf(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  let timedOut = false;
  const killed = Promise.withResolvers<void>();
  let graceTimer: Timer | undefined;
  const kill = () => {
    child.kill(options.graceMs === undefined ? "SIGKILL" : "SIGTERM");
    if (options.graceMs !== undefined)
      graceTimer ??= setTimeout(() => child.kill("SIGKILL"), options.graceMs);
    void child.exited.then(() => setTimeout(killed.resolve, DRAIN_MS));
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.timeoutMs);
  options.signal?.addEventListener("abort", kill, { once: true });
  if (options.signal?.aborted) kill();
  try {
    const max = options.outputBytesMax ?? OUTPUT_BYTES_MAX;
    const [stdout, stderr] = await Promise.all([
      collect(child.stdout, max, killed.promise, options.onStdout),
      collect(child.stderr, max, killed.promise, options.onStderr),
    ]);
    await child.exited;
    return { exitCode: child.exitCode ?? -1, signalCode: child.signalCode, stdout, stderr, timedOut };
  } finally {
    clearTimeout(timer);
    clearTimeout(graceTimer);
    options.signal?.removeEventListener("abort", kill);
  }
}

function stdinOf(stdin: ExecOptions["stdin"]): "ignore" | Uint8Array | ReadableStream<Uint8Array> {
  if (stdin === undefined) return "ignore";
  return typeof stdin === "string" ? Buffer.from(stdin) : stdin;
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  bytesMax: number,
  killed: Promise<void>,
  onChunk: (chunk: Uint8Array) => void = () => undefined,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  void killed.then(() => reader.cancel()).catch(() => undefined);
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    onChunk(next.value);
    if (bytes < bytesMax) chunks.push(next.value.subarray(0, bytesMax - bytes));
    bytes += next.value.length;
  }
  return Buffer.concat(chunks).toString("utf8");
}
