import { redact } from "@windshift/base/redact.ts";
import { TriageReply, type TriageRequest } from "@windshift/contract/triage.ts";
import { readLines } from "./line-reader.ts";

/** How `windshift-triage` is started. */
export interface TriageProgram {
  /** Program and arguments before its own: `["windshift-triage"]`, or the source tree's. */
  argv: readonly string[];
  /** Its whole environment: PATH, so that it finds git. Tokens never go here. */
  env: Record<string, string>;
}

/** A reply is one JSON document, bytes: a patch takes 400,000, the paths of its files 65,536, and what git said a few thousand. */
const REPLY_BYTES_MAX = 1_048_576;
/** Time a canceled triage has to remove its own files after SIGTERM, ms. */
const TERM_GRACE_MS = 3_000;

/**
 * Asks triage for one thing. The request, token included, goes in on stdin and so into no argument list.
 * `signal` ends it, with all processes it started. Never rejects: what goes wrong is a `failed` reply.
 */
export async function callTriage(
  program: TriageProgram,
  request: TriageRequest,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<TriageReply> {
  const child = spawn(program);
  if (child === undefined)
    return failed(
      request,
      `the program ${program.argv[0]} cannot be started; install windshift-triage, or name it in WSRUNNER_TRIAGE_BIN (runner)`,
    );
  const end = () => endGroup(child);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    const [reply, lastLines] = await Promise.all([
      readReply(child.stdout),
      readLines(child.stderr, (line) => progress(redact(line, [request.token]))),
      write(child, JSON.stringify(request)),
    ]);
    const exitCode = await child.exited;
    if (signal.aborted) return failed(request, `${request.op} was ended before it was done`);
    return (
      parseReply(reply) ??
      failed(request, noReply(program, exitCode, redact(lastLines.join(" "), [request.token])))
    );
  } finally {
    signal.removeEventListener("abort", end);
  }
}

type TriageChild = Bun.Subprocess<"pipe", "pipe", "pipe">;

function spawn(program: TriageProgram): TriageChild | undefined {
  try {
    return Bun.spawn([...program.argv], {
      env: program.env,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      // Its own group: git and git's helpers end with it.
      detached: true,
    });
  } catch {
    return undefined;
  }
}

function endGroup(child: TriageChild): void {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), TERM_GRACE_MS);
  void child.exited.then(() => {
    clearTimeout(timer);
    signalGroup(child, "SIGKILL");
  });
}

function signalGroup(child: TriageChild, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-child.pid, name);
  } catch {
    // ESRCH: all of it has ended.
  }
}

async function write(child: TriageChild, text: string): Promise<void> {
  try {
    await child.stdin.write(text);
    await child.stdin.end();
  } catch {
    // EPIPE: it ended before it had read its request; its exit code and stderr say why.
  }
}

async function readReply(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes <= REPLY_BYTES_MAX) chunks.push(chunk);
  }
  return bytes > REPLY_BYTES_MAX ? "" : Buffer.concat(chunks).toString("utf8");
}

function parseReply(text: string): TriageReply | undefined {
  try {
    return TriageReply.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function noReply(program: TriageProgram, exitCode: number, lastLines: string): string {
  return `${program.argv[0]} gave no answer (exit code ${exitCode}): ${lastLines || "it printed nothing"}`;
}

function failed(request: TriageRequest, detail: string): TriageReply {
  return { kind: "failed", reason: request.op === "prepare" ? "prepare_failed" : "push_rejected", detail };
}
