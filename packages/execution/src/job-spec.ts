import { EXPORT_SCRIPT } from "@windshift/contract/export-script.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { AttemptPaths } from "./checkout.ts";
import { failure, type JobFailure } from "./job-failure.ts";
import type { SandboxSpec } from "./sandbox.ts";
import { type ContainerRole, jobLabels } from "./sandbox-labels.ts";

/** A runner's own settings for its jobs. */
export interface JobSettings {
  /** Names this server or runner on its host: `[a-z0-9-]`; part of container names and labels. */
  instance: string;
  /** Agent image; also the image that exports commits. */
  image: string;
  /** Images a job may ask for instead. */
  allowedImages: readonly string[];
  /** Network of agent containers. */
  network: string;
  /** Program of the agent. */
  command: readonly string[];
  /** Time between heartbeats, ms. */
  heartbeatMs: number;
  /**
   * A host that reaches no server for so long ends its jobs, ms (PARTITION_MS_MAX): they may be another's by then. Left out
   * for the runner in the server's own process, which goes on when the database does.
   */
  partitionMs?: number;
  /** What one checkout may grow to on the disk, bytes; without it nobody looks. */
  workspaceBytesMax?: number;
  /** Files of a checkout; WORKSPACE_FILES_MAX by default. */
  workspaceFilesMax?: number;
  /** Used when the server sends no prompt (WSRUNNER_INITIAL_PROMPT). */
  fallbackPrompt?: string;
}

/** The agent's container. A server may choose an image only among those the runner allows (SB-23). */
export function agentSpec(
  job: JobSpec,
  paths: AttemptPaths,
  settings: JobSettings,
): SandboxSpec | JobFailure {
  const image = job.image ?? settings.image;
  if (image !== settings.image && !settings.allowedImages.includes(image))
    return failure(
      "image",
      `the binding asks for the image ${image}, which this runner does not allow; add it to WSRUNNER_ALLOWED_IMAGES or remove it from the binding`,
    );
  return {
    ...base(job, "agent", settings),
    image,
    command: settings.command,
    env: { ...job.env, LLM_API_KEY: job.tokens.agent, WS_TOKEN: job.tokens.agent },
    workspace: { dir: paths.checkout, readOnly: false },
    network: settings.network,
  };
}

/** The container that takes the commits out: our own image, nothing to write to, nobody to talk to. */
export function exportSpec(
  job: JobSpec,
  paths: AttemptPaths,
  baseOid: string,
  settings: JobSettings,
): SandboxSpec {
  return {
    ...base(job, "export", settings),
    image: settings.image,
    command: ["sh", "-c", EXPORT_SCRIPT, "sh", baseOid, job.repo.branch],
    env: {},
    workspace: { dir: paths.checkout, readOnly: true },
    network: "none",
  };
}

/** What the agent is told: the server's prompt; the host's fallback only where an old server sent none. */
export function promptOf(job: JobSpec, settings: JobSettings): string {
  return job.initial_prompt === "" ? (settings.fallbackPrompt ?? "") : job.initial_prompt;
}

function base(
  job: JobSpec,
  role: ContainerRole,
  settings: JobSettings,
): Pick<SandboxSpec, "name" | "labels"> {
  return {
    name: `windshift-${settings.instance}-run-${job.run_id}-${job.attempt}-${role}`,
    labels: jobLabels(settings.instance, job.run_id, job.attempt, role),
  };
}
