import { AppError } from "@windshift/contract/app-error.ts";
import type { DockerCli } from "./docker-cli.ts";
import { ListedContainer, parseEngine, saysMissing, saysNothing } from "./docker-inspect.ts";
import type { HeldLabels } from "./sandbox.ts";
import { ATTEMPT_LABEL, isKept, RUN_LABEL } from "./sandbox-labels.ts";

const FORMAT = `{"id":{{json .ID}},"name":{{json .Names}},"labels":{"${RUN_LABEL}":{{json (.Label "${RUN_LABEL}")}},"${ATTEMPT_LABEL}":{{json (.Label "${ATTEMPT_LABEL}")}}}}`;

/**
 * Removes every container that carries all of `labels`, running or not, unless its attempt is in `keep`. One that the engine does not let
 * go of keeps none of the others.
 * @throws AppError `unavailable` when the engine does not answer, and, once all were tried, when one is left
 */
export async function sweepContainers(
  cli: DockerCli,
  labels: Record<string, string>,
  keep: readonly HeldLabels[],
): Promise<string[]> {
  const removed: string[] = [];
  let refusal: string | undefined;
  for (const { id, name, labels: own } of await listContainers(cli, labels)) {
    if (isKept(own, keep)) continue;
    const answer = await cli.call(["rm", "--force", "--volumes", id]);
    if (answer.kind === "ok") removed.push(name);
    else if (saysNothing(answer.message)) throw undone("rm", answer.message);
    // Else it went by itself meanwhile.
    else if (!saysMissing(answer.message)) refusal ??= answer.message;
  }
  if (refusal !== undefined) throw undone("rm", refusal);
  return removed;
}

async function listContainers(cli: DockerCli, labels: Record<string, string>): Promise<ListedContainer[]> {
  const filters = Object.entries(labels).flatMap(([name, value]) => ["--filter", `label=${name}=${value}`]);
  // Without a filter this would be every container of the host.
  if (filters.length === 0) throw new AppError("invalid_input", "a sweep needs labels");
  const listed = await must(cli, ["ps", "--all", "--no-trunc", ...filters, "--format", FORMAT]);
  return listed
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => parseEngine(ListedContainer, line));
}

async function must(cli: DockerCli, args: readonly string[]): Promise<string> {
  const answer = await cli.call(args);
  if (answer.kind === "ok") return answer.stdout;
  throw undone(args[0], answer.message);
}

function undone(what: string | undefined, message: string): AppError {
  return new AppError("unavailable", `the container engine did not do ${what}: ${message}`);
}
