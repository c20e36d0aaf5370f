import { AppError } from "@windshift/contract/app-error.ts";
import { countCommand, type DiskSize, diskUse, parseDiskSize } from "./disk-use.ts";
import { AGENT_GID, AGENT_UID } from "./docker-argv.ts";
import type { DockerCli, DockerCliOptions } from "./docker-cli.ts";
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
  await helper(cli, options, dir, [
    "chown",
    "--recursive",
    "--no-dereference",
    `${AGENT_UID}:${AGENT_GID}`,
    "/dir",
  ]);
}

/** Removes `dir` and all under it; where we are not root, a helper container empties it first. */
export async function removeDir(cli: DockerCli, options: DirOptions, dir: string): Promise<void> {
  if (!options.root) await helper(cli, options, dir, ["sh", "-c", EMPTY_DIR]).catch(() => undefined);
  await removeTree(dir);
}

/**
 * What `dir` takes on the disk. Where this process may not look everywhere, and so would count too little, a helper container
 * counts.
 */
export async function diskUseOf(
  cli: DockerCli,
  options: DirOptions & Pick<DockerCliOptions, "env">,
  dir: string,
  signal: AbortSignal,
): Promise<DiskSize> {
  const { partial, bytes, files } = await diskUse(dir, options.env.PATH ?? DEFAULT_PATH, signal);
  if (!partial || options.root || signal.aborted) return { bytes, files };
  const counted = parseDiskSize(await helper(cli, options, dir, countCommand("/dir")));
  return { bytes: Math.max(bytes, counted.bytes), files: Math.max(files, counted.files) };
}

/** Where `du` is found when there is no PATH. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

const EMPTY_DIR = "cd /dir && rm -rf -- ./* ./.[!.]* ./..?*";

/** A container as root with nothing but the one folder: on hosts where this process may not touch the agent's files. */
async function helper(cli: DockerCli, options: DirOptions, dir: string, command: string[]): Promise<string> {
  const [program = "true", ...args] = command;
  const answer = await cli.call(
    [
      ...["run", "--rm", "--pull", "never", "--network", "none", "--read-only", "--user", "0:0"],
      ...["--cap-drop", "ALL", "--cap-add", "CHOWN", "--cap-add", "DAC_OVERRIDE", "--cap-add", "FOWNER"],
      ...["--security-opt", "no-new-privileges", "--pids-limit", "64", "--log-driver", "none"],
      ...["--mount", `type=bind,src=${dir},dst=/dir`],
      ...["--entrypoint", program, options.helperImage, ...args],
    ],
    { timeoutMs: DIR_MS_MAX },
  );
  if (answer.kind === "failed")
    throw new AppError(
      "internal",
      `the folder ${dir} could not be handed over: ${answer.message.slice(0, 500)}`,
    );
  return answer.stdout;
}
