import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { byteStream } from "./byte-stream.ts";
import { complaintsOf, endInput } from "./child-pipes.ts";
import type { GitService, GitUpstream, UpstreamReply } from "./git-upstream.ts";
import { pktLine } from "./pkt-line.ts";

export interface LocalUpstreamOptions {
  /** A bare repository on this machine, absolute. Only programs of ours write in it. */
  dir: string;
  /** PATH on which git is looked for; default: the system's. */
  path?: string;
}

/** What git is told beside GIT_GUARDS; a repository's own configuration cannot undo it. */
const SERVICE_CONFIG = [
  "receive.fsckObjects=true",
  "receive.denyDeletes=true",
  "receive.advertisePushOptions=false",
  "receive.autogc=false",
  `receive.maxInputSize=${GIT_BODY_BYTES_MAX}`,
].flatMap((setting) => ["-c", setting]);

/** How long a git that was told to end may clean up after itself before it is killed, ms. */
const TERM_GRACE_MS = 5_000;

/** The upstream of `local` repositories: one git process a request, streamed both ways, no hooks, objects checked. */
export function localUpstream(options: LocalUpstreamOptions): GitUpstream {
  return {
    async advertise(service, protocol, signal) {
      const child = start(options, service, ["--advertise-refs"], protocol, signal);
      await endInput(child);
      // Protocol 2 has no service line; see git's http-backend.
      const preface =
        protocol === "version=2" ? [] : [pktLine(`# service=${service}\n`), Buffer.from("0000")];
      return answer(child, `application/x-${service}-advertisement`, preface, () => undefined);
    },
    async rpc(service, body, protocol, signal) {
      const child = start(options, service, [], protocol, signal);
      const fed = feed(child, body);
      return answer(child, `application/x-${service}-result`, [], () => fed.failure);
    },
  };
}

type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

function start(
  { dir, path }: LocalUpstreamOptions,
  service: GitService,
  flags: string[],
  protocol: string | undefined,
  signal: AbortSignal,
): Child {
  const command = service.slice("git-".length);
  const child = Bun.spawn(
    ["git", ...GIT_GUARDS, ...SERVICE_CONFIG, command, "--stateless-rpc", ...flags, "--", dir],
    {
      env: gitEnv({
        ...(path === undefined ? {} : { path }),
        ...(protocol === undefined ? {} : { extraEnv: { GIT_PROTOCOL: protocol } }),
      }),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const onAbort = () => end(child);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  void child.exited.then(() => signal.removeEventListener("abort", onAbort));
  return child;
}

/** Ends git so that it removes its half-written objects; kills it if it does not. */
function end(child: Child): void {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), TERM_GRACE_MS);
  void child.exited.then(() => clearTimeout(timer));
}

/** Writes `body` to git, waiting for each chunk to be taken. When `body` fails git is ended, and the failure kept. */
function feed(child: Child, body: ReadableStream<Uint8Array>): { failure: unknown } {
  const fed: { failure: unknown } = { failure: undefined };
  void (async () => {
    const reader = body.getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        try {
          await child.stdin.write(next.value);
          await child.stdin.flush();
        } catch {
          await reader.cancel(); // git ended before it read all; its exit code says the rest
          return;
        }
      }
      await endInput(child);
    } catch (error) {
      fed.failure = error;
      end(child);
    }
  })();
  return fed;
}

/** Resolves with git's first bytes, so that a git that fails at once becomes an error and not half an answer. */
async function answer(
  child: Child,
  contentType: string,
  preface: Uint8Array[],
  failure: () => unknown,
): Promise<UpstreamReply> {
  const complaints = complaintsOf(child.stderr);
  const reader = child.stdout.getReader();
  const first = await reader.read();
  const finish = async () => {
    const exitCode = await child.exited;
    if (failure() !== undefined) throw failure();
    if (exitCode !== 0)
      throw new AppError("upstream_failed", "the repository could not be read or written", {
        cause: new Error(`git ended with ${child.signalCode ?? exitCode}: ${await complaints}`),
      });
  };
  if (first.done) await finish();
  const body = (async function* () {
    yield* preface;
    for (let next = first; !next.done; next = await reader.read()) yield next.value;
    await finish();
  })();
  return { status: 200, contentType, body: byteStream(body, () => end(child)) };
}
