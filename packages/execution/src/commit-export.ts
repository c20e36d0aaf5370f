import { open } from "node:fs/promises";
import type { Clock } from "@windshift/base/clock.ts";
import { redact } from "@windshift/base/redact.ts";
import { EXPORT_EXIT } from "@windshift/contract/export-script.ts";
import { BUNDLE_BYTES_MAX, EXPORT_MS_MAX } from "@windshift/contract/limits.ts";
import { limited } from "./deadline.ts";
import { failure, type JobFailure } from "./job-failure.ts";
import type { SandboxContainer, SandboxExit } from "./sandbox.ts";

/** How much of the script's stderr is kept for the failure text, bytes. */
const STDERR_BYTES_MAX = 2_000;

export type ExportEnd = { kind: "bundle" } | { kind: "nothing" } | { kind: "failed"; failure: JobFailure };

/**
 * Takes the agent's commits out as data: runs the export container and keeps what it prints as `bundleFile`. The agent's
 * container must be gone before this is called (HG-11).
 */
export async function exportCommits(
  container: SandboxContainer,
  bundleFile: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<ExportEnd> {
  const limit = limited(clock, EXPORT_MS_MAX, signal);
  const tooLarge = new AbortController();
  const file = await open(bundleFile, "wx", 0o600);
  let bytes = 0;
  let stderr = "";
  try {
    const exit = await container.run(
      {
        stdin: nothing(),
        onStdout: async (chunk) => {
          bytes += chunk.length;
          if (bytes > BUNDLE_BYTES_MAX) tooLarge.abort();
          else await file.writeFile(chunk);
        },
        onStderr: (chunk) => {
          stderr = `${stderr}${Buffer.from(chunk).toString("utf8")}`.slice(-STDERR_BYTES_MAX);
        },
      },
      AbortSignal.any([limit.signal, tooLarge.signal]),
    );
    if (tooLarge.signal.aborted) return failed(`the commits are larger than ${BUNDLE_BYTES_MAX} bytes`);
    if (limit.expired())
      return failed(`the commits could not be taken out within ${EXPORT_MS_MAX / 60_000} min`);
    return exportEnd(exit, redact(stderr.trim()));
  } finally {
    limit.stop();
    await file.close();
  }
}

function exportEnd(exit: SandboxExit, stderr: string): ExportEnd {
  if (exit.kind === "not_started") return { kind: "failed", failure: failure(exit.reason, exit.detail) };
  if (exit.kind === "lost") return { kind: "failed", failure: failure("engine", exit.detail) };
  if (exit.kind !== "exited") return failed(`the export container was ended (${exit.kind})`);
  if (exit.exitCode === EXPORT_EXIT.bundle) return { kind: "bundle" };
  if (exit.exitCode === EXPORT_EXIT.nothing) return { kind: "nothing" };
  return failed(`the commits could not be taken out (exit code ${exit.exitCode}): ${stderr}`);
}

function failed(detail: string): ExportEnd {
  return { kind: "failed", failure: failure("export_failed", detail) };
}

async function* nothing(): AsyncGenerator<string> {}
