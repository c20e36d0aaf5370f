import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "@windshift/base/clock.ts";
import { formatDuration } from "@windshift/base/duration.ts";
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
  const file = await open(bundleFile, "wx", 0o600);
  try {
    const { value, expired } = await limited(clock, EXPORT_MS_MAX, signal, (limit) =>
      collect(container, file, limit),
    );
    if (!expired) return value;
    return failed(`the commits could not be taken out within ${formatDuration(EXPORT_MS_MAX)}`);
  } finally {
    await file.close();
  }
}

async function collect(
  container: SandboxContainer,
  file: FileHandle,
  signal: AbortSignal,
): Promise<ExportEnd> {
  const tooLarge = new AbortController();
  let bytes = 0;
  let stderr = "";
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
    AbortSignal.any([signal, tooLarge.signal]),
  );
  if (tooLarge.signal.aborted) return failed(`the commits are larger than ${BUNDLE_BYTES_MAX} bytes`);
  return exportEnd(exit, redact(stderr.trim()));
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
