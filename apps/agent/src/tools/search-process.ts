/** Bytes of one line that are kept; the rest of a longer one (a bundle, a data file) is skipped. */
const LINE_BYTES_MAX = 1_048_576;
const STDERR_BYTES_MAX = 8_192;

export interface SearchExit {
  exitCode: number;
  stderr: string;
  /** `time`: not done when the time was up. `enough`: the caller wanted no more. */
  stopped?: "time" | "enough";
}

/**
 * The environment of the programs that search and list: no token, and text as UTF-8 wherever they run.
 * @param env of the model's commands
 */
export function searchEnv(env: Record<string, string>): Record<string, string> {
  const { PATH = "", HOME } = env;
  return { PATH, LC_ALL: "C.UTF-8", GIT_OPTIONAL_LOCKS: "0", ...(HOME === undefined ? {} : { HOME }) };
}

/**
 * Runs a program that prints lines, in bounded memory and time. It is killed when the time is up, on abort, and when
 * `onLine` returns false.
 */
export async function runSearch(
  argv: string[],
  options: { cwd: string; env: Record<string, string>; timeoutMs: number; signal: AbortSignal },
  onLine: (line: Buffer) => boolean,
): Promise<SearchExit> {
  const child = Bun.spawn(argv, {
    cwd: options.cwd,
    env: options.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let stopped: SearchExit["stopped"];
  const stop = (why: SearchExit["stopped"]) => {
    stopped ??= why;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => stop("time"), options.timeoutMs);
  const onAbort = () => stop("time");
  options.signal.addEventListener("abort", onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  try {
    const [stderr] = await Promise.all([
      firstBytes(child.stderr),
      eachLine(child.stdout, (line) => {
        const more = stopped === undefined && onLine(line);
        if (!more) stop("enough");
        return more;
      }),
    ]);
    const exitCode = await child.exited;
    return { exitCode, stderr, ...(stopped === undefined ? {} : { stopped }) };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: Buffer) => boolean,
): Promise<void> {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  const keep = (bytes: Uint8Array) => {
    if (begunBytes < LINE_BYTES_MAX) begun.push(bytes.subarray(0, LINE_BYTES_MAX - begunBytes));
    begunBytes += bytes.length;
  };
  for await (const chunk of stream) {
    let at = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, at)) {
      keep(chunk.subarray(at, end));
      at = end + 1;
      const line = Buffer.concat(begun);
      begun = [];
      begunBytes = 0;
      if (!onLine(line)) return;
    }
    keep(chunk.slice(at));
  }
  if (begunBytes > 0) onLine(Buffer.concat(begun));
}

async function firstBytes(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    if (bytes < STDERR_BYTES_MAX) chunks.push(chunk.slice(0, STDERR_BYTES_MAX - bytes));
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).toString("utf8").trim();
}
