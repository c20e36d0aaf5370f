import { open } from "node:fs/promises";
import type { Clock } from "@windshift/base/clock.ts";
import { redact } from "@windshift/base/redact.ts";
import { EXPORT_EXIT, EXPORT_RELEASE } from "@windshift/contract/export-script.ts";
import { BUNDLE_BYTES_MAX, EXPORT_MS_MAX } from "@windshift/contract/limits.ts";
import { limited } from "./deadline.ts";
import { failure, type JobFailure } from "./job-failure.ts";
import type { SandboxContainer, SandboxExit } from "./sandbox.ts";
import { StdinQueue } from "./stdin-queue.ts";

/** How much of the script's stderr is kept for the failure text, bytes. */
const STDERR_BYTES_MAX = 2_000;

export type ExportEnd = { kind: "bundle" } | { kind: "nothing" } | { kind: "failed"; failure: JobFailure };

/**
 * Takes the agent's commits out as data: what the export container prints becomes `bundleFile`. The container starts at
 * once and waits, looking at nothing, for its release; so its start costs no time after the agent has ended.
 */
export class CommitExport {
  private readonly stdin = new StdinQueue();
  private readonly stop = new AbortController();
  /** What came of it; known as soon as its program has ended. */
  private readonly found = Promise.withResolvers<ExportEnd>();
  private readonly running: Promise<void>;
  private bytes = 0;
  private stderr = "";

  constructor(
    private readonly container: SandboxContainer,
    private readonly bundleFile: string,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {
    // Whoever never takes the commits out is not told why that would have failed.
    this.found.promise.catch(() => undefined);
    this.running = this.run().catch(onFullDisk).then(this.found.resolve, this.found.reject);
  }

  /** Reads the checkout. The agent's container must be gone before this is called (HG-11). */
  async take(): Promise<ExportEnd> {
    this.stdin.push(EXPORT_RELEASE);
    this.stdin.close();
    const { value, expired } = await limited(this.clock, EXPORT_MS_MAX, this.signal, (limit) => {
      limit.addEventListener("abort", () => this.stop.abort(), { once: true });
      return this.found.promise;
    });
    if (!expired) return value;
    return failed(`the commits could not be taken out within ${EXPORT_MS_MAX / 60_000} min`);
  }

  /** Ends it if it still waits, and resolves when its container is removed. */
  async close(): Promise<void> {
    this.stdin.close();
    await this.running;
  }

  private async run(): Promise<ExportEnd> {
    const file = await open(this.bundleFile, "wx", 0o600);
    try {
      const exit = await this.container.run(
        {
          stdin: this.stdin,
          onStdout: async (chunk) => {
            this.bytes += chunk.length;
            if (this.bytes > BUNDLE_BYTES_MAX) this.stop.abort();
            else await file.writeFile(chunk);
          },
          onStderr: (chunk) => {
            this.stderr = `${this.stderr}${Buffer.from(chunk).toString("utf8")}`.slice(-STDERR_BYTES_MAX);
          },
          onEnd: (ended) => this.found.resolve(this.endOf(ended)),
        },
        AbortSignal.any([this.signal, this.stop.signal]),
      );
      return this.endOf(exit);
    } finally {
      await file.close();
    }
  }

  private endOf(exit: SandboxExit): ExportEnd {
    if (this.bytes > BUNDLE_BYTES_MAX) return failed(`the commits are larger than ${BUNDLE_BYTES_MAX} bytes`);
    if (exit.kind === "not_started") return { kind: "failed", failure: failure(exit.reason, exit.detail) };
    if (exit.kind === "lost") return { kind: "failed", failure: failure("engine", exit.detail) };
    if (exit.kind !== "exited") return failed(`the export container was ended (${exit.kind})`);
    if (exit.exitCode === EXPORT_EXIT.bundle) return { kind: "bundle" };
    if (exit.exitCode === EXPORT_EXIT.nothing) return { kind: "nothing" };
    const said = redact(this.stderr.trim());
    return failed(`the commits could not be taken out (exit code ${exit.exitCode}): ${said}`);
  }
}

/** A disk that ran full, perhaps by this very run, is nobody's bug. */
function onFullDisk(error: unknown): ExportEnd {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
  return failed("the commits could not be taken out: the disk of the run's host is full");
}

function failed(detail: string): ExportEnd {
  return { kind: "failed", failure: failure("export_failed", detail) };
}
