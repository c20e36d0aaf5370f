import { formatDuration } from "@windshift/base/duration.ts";
import { z } from "zod";
import { type DockerCli, PULL_MS_MAX } from "./docker-cli.ts";
import { imageMissing, notStarted } from "./docker-errors.ts";
import { parseEngine, saysMissing } from "./docker-inspect.ts";
import { readLines } from "./line-reader.ts";
import type { NotStarted, SandboxCreateOptions, SandboxSpec } from "./sandbox.ts";

/** An image says with this label that it holds an agent we can talk to. Source: INTERFACES section 3. */
export const AGENT_CONTRACT_LABEL = "org.windshift.agent-contract";
export const AGENT_CONTRACT = "v1";

const ImageLabels = z.record(z.string(), z.string()).nullable();

/**
 * Makes sure that the image is on the host: pulls it, with progress, when it is missing.
 * @param agentImage whether it must carry the label of an agent image
 * @returns undefined when it is there and fit
 */
export async function ensureImage(
  cli: DockerCli,
  spec: Pick<SandboxSpec, "image" | "network" | "workspace">,
  agentImage: boolean,
  options: SandboxCreateOptions,
): Promise<NotStarted | undefined> {
  let labels = await cli.call(["image", "inspect", "--format", "{{json .Config.Labels}}", spec.image]);
  if (labels.kind === "failed") {
    if (!saysMissing(labels.message)) return notStarted(labels.message, spec);
    const failure = await pull(cli, spec.image, options);
    if (failure !== undefined) return imageMissing(spec.image, failure);
    labels = await cli.call(["image", "inspect", "--format", "{{json .Config.Labels}}", spec.image]);
    if (labels.kind === "failed") return notStarted(labels.message, spec);
  }
  if (!agentImage) return undefined;
  const found = parseEngine(ImageLabels, labels.stdout)?.[AGENT_CONTRACT_LABEL];
  return found === AGENT_CONTRACT ? undefined : notAgentImage(spec.image, found);
}

function notAgentImage(image: string, found: string | undefined): NotStarted {
  return {
    kind: "not_started",
    reason: "image",
    detail:
      `${image} is not an agent image this version can use: its label ${AGENT_CONTRACT_LABEL} is ` +
      `${found === undefined ? "missing" : JSON.stringify(found.slice(0, 50))} and must be ${AGENT_CONTRACT}. ` +
      "Set CODING_AGENT_RUNNER_IMAGE (server) or WSRUNNER_IMAGE (runner) to an image made by make image, or built on one.",
  };
}

/** @returns why it failed, or undefined */
async function pull(
  cli: DockerCli,
  image: string,
  options: SandboxCreateOptions,
): Promise<string | undefined> {
  options.progress?.(`pulling the image ${image}`);
  let child: ReturnType<DockerCli["spawn"]>;
  try {
    child = cli.spawn(["pull", image]);
  } catch {
    return "the container engine's command line cannot be started";
  }
  const kill = () => child.kill("SIGKILL");
  const timer = setTimeout(kill, PULL_MS_MAX);
  options.signal?.addEventListener("abort", kill, { once: true });
  if (options.signal?.aborted) kill();
  try {
    const [, stderr] = await Promise.all([
      readLines(child.stdout, (line) => options.progress?.(line)),
      readLines(child.stderr, () => undefined),
      child.stdin.end(),
    ]);
    if ((await child.exited) === 0) return undefined;
    if (options.signal?.aborted) return "the pull was ended before it was done";
    if (child.signalCode !== null)
      return `the pull was ended before it was done (limit ${formatDuration(PULL_MS_MAX)})`;
    return stderr.join(" ") || "docker pull failed";
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", kill);
  }
}
