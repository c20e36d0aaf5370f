/** Bytes of one line that are looked at; the rest of a longer one (a bundle, a data file) is only counted. */
const LINE_BYTES_MAX = 262_144;
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

/** Takes a line up to LINE_BYTES_MAX, in a buffer that is used again, and how many bytes it has in all. @returns whether more are wanted */
type OnLine = (line: Buffer, bytes: number) => boolean;

/**
 * Runs a program that prints lines, in bounded memory and time. It is killed when the time is up, on abort, and when
 * `onLine` returns false.
 */
export async function runSearch(
  argv: string[],
  options: { cwd: string; env: Record<string, string>; timeoutMs: number; signal: AbortSignal },
  onLine: OnLine,
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
      eachLine(child.stdout, (line, bytes) => {
        const more = stopped === undefined && onLine(line, bytes);
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

async function eachLine(stream: ReadableStream<Uint8Array>, onLine: OnLine): Promise<void> {
  const begun = Buffer.allocUnsafe(LINE_BYTES_MAX);
  let bytes = 0;
  const keep = (part: Uint8Array) => {
    if (bytes < LINE_BYTES_MAX) begun.set(part.subarray(0, LINE_BYTES_MAX - bytes), bytes);
    bytes += part.length;
  };
  for await (const chunk of stream) {
    let at = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, at)) {
      keep(chunk.subarray(at, end));
      at = end + 1;
      if (!onLine(begun.subarray(0, bytes), bytes)) return;
      bytes = 0;
    }
    keep(chunk.subarray(at));
  }
  if (bytes > 0) onLine(begun.subarray(0, bytes), bytes);
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
