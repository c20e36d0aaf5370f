import { randomUUID } from "node:crypto";
import { AppError } from "@windshift/contract/app-error.ts";
import { countCommand, type DiskUse, diskUse, parseDiskSize } from "./disk-use.ts";
import { AGENT_GID, AGENT_UID } from "./docker-argv.ts";
import type { DockerAnswer, DockerCli, DockerCliOptions } from "./docker-cli.ts";
import { saysNothing } from "./docker-inspect.ts";
import { removeUnseen } from "./docker-unseen.ts";
import { removeTree } from "./tree-removal.ts";

/** Time for giving away or removing a folder, ms (SB-18). */
const DIR_MS_MAX = 120_000;

interface DirOptions {
  helperImage: string;
  root: boolean;
}

/** Makes all files under `dir` the agent user's. Does nothing for root, whose checkout has already done so. */
export async function giveDir(cli: DockerCli, options: DirOptions, dir: string): Promise<void> {
  if (options.root) return;
  const owner = `${AGENT_UID}:${AGENT_GID}`;
  const answer = await helper(cli, options, dir, ["chown", "--recursive", "--no-dereference", owner, "/dir"]);
  if (answer.kind === "failed") throw refused(`the folder ${dir} could not be handed over`, answer.message);
}

/** Removes `dir` and all under it; where we are not root, a helper container empties it first. */
export async function removeDir(cli: DockerCli, options: DirOptions, dir: string): Promise<void> {
  if (!options.root) await helper(cli, options, dir, ["sh", "-c", EMPTY_DIR]);
  await removeTree(dir);
}

/**
 * What `dir` takes on the disk. Where this process may not look everywhere, and so would count too little, a helper container
 * counts. Nothing walks the folder any more once this is settled.
 * @throws AppError `internal` when the engine refuses the container
 */
export async function diskUseOf(
  cli: DockerCli,
  options: DirOptions & Pick<DockerCliOptions, "env">,
  dir: string,
  signal: AbortSignal,
): Promise<DiskUse> {
  const seen = await diskUse(dir, options.env.PATH ?? DEFAULT_PATH, signal);
  if (seen.kind === "unknown" || !seen.partial || options.root) return seen;
  const answer = await helper(cli, options, dir, countCommand("/dir"), signal);
  if (signal.aborted) return { kind: "unknown" };
  if (answer.kind === "failed") {
    if (saysNothing(answer.message)) return { kind: "unknown" };
    throw refused(`the files of ${dir} could not be counted`, answer.message);
  }
  const size = parseDiskSize(answer.stdout);
  if (size === undefined) throw refused(`the files of ${dir} could not be counted`, answer.stdout);
  const bytes = Math.max(size.bytes, seen.bytes);
  return { kind: "counted", bytes, files: Math.max(size.files, seen.files), partial: false };
}

/** Where `du` is found when there is no PATH. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

const EMPTY_DIR = "cd /dir && rm -rf -- ./* ./.[!.]* ./..?*";

/**
 * A container as root with nothing but the one folder: on hosts where this process may not touch the agent's files. One that takes too
 * long, or is called off, is removed: ending the command line does not end it.
 */
async function helper(
  cli: DockerCli,
  options: DirOptions,
  dir: string,
  command: string[],
  signal?: AbortSignal,
): Promise<DockerAnswer> {
  const [program = "true", ...args] = command;
  const name = `windshift-helper-${randomUUID()}`;
  const answer = await cli.call(
    [
      ...[
        "run",
        "--rm",
        "--name",
        name,
        "--pull",
        "never",
        "--network",
        "none",
        "--read-only",
        "--user",
        "0:0",
      ],
      ...["--cap-drop", "ALL", "--cap-add", "CHOWN", "--cap-add", "DAC_OVERRIDE", "--cap-add", "FOWNER"],
      ...["--security-opt", "no-new-privileges", "--pids-limit", "64", "--log-driver", "none"],
      ...["--mount", `type=bind,src=${dir},dst=/dir`],
      ...["--entrypoint", program, options.helperImage, ...args],
    ],
    { timeoutMs: DIR_MS_MAX, signal },
  );
  if (answer.kind === "failed" && (signal?.aborted || saysNothing(answer.message)))
    await removeUnseen(cli, name, answer.message, signal);
  return answer;
}

function refused(what: string, message: string): AppError {
  return new AppError("internal", `${what}: ${message.slice(0, 500)}`);
}
