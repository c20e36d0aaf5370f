import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { gitOn } from "./local-git.ts";

/** Settings of every bare repository of ours. What is pushed is checked; nothing runs and nothing is deleted by a push. */
const SETTINGS = {
  "receive.fsckObjects": "true",
  "transfer.fsckObjects": "true",
  "receive.denyDeletes": "true",
  "receive.advertisePushOptions": "false",
  "receive.maxInputSize": String(GIT_BODY_BYTES_MAX),
  "receive.autogc": "false",
  "gc.auto": "0",
  "core.hooksPath": "/dev/null",
  "core.logAllRefUpdates": "true",
} as const;

/** Folder of a repository: owner and name are path segments that start with a letter, a digit or `_`. */
export function repositoryDir(
  root: string,
  repository: { workspaceId: number; owner: string; name: string },
): string {
  return join(root, String(repository.workspaceId), repository.owner, `${repository.name}.git`);
}

/** An empty bare repository in a place of its own, ready to be moved to where it belongs. */
export interface PreparedRepository {
  /** Where it is until it is moved. */
  readonly dir: string;
  /** @throws AppError `conflict` when something is there */
  moveTo(dir: string): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Makes a bare repository under `root`, not yet where anybody looks. Git runs here, outside of any transaction.
 * @param readme text of a README.md that a first commit holds; without it the repository is empty
 */
export async function prepareRepository(
  root: string,
  defaultBranch: string,
  readme?: string,
): Promise<PreparedRepository> {
  await mkdir(root, { recursive: true });
  const temporary = await mkdtemp(join(root, ".new-"));
  const discard = () => rm(temporary, { recursive: true, force: true });
  try {
    const template = "--template=";
    await gitOn(temporary, [
      "init",
      "--quiet",
      "--bare",
      template,
      `--initial-branch=${defaultBranch}`,
      temporary,
    ]);
    for (const [name, value] of Object.entries(SETTINGS)) await gitOn(temporary, ["config", name, value]);
    if (readme !== undefined) await commitReadme(temporary, defaultBranch, readme);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    dir: temporary,
    discard,
    moveTo: async (dir) => {
      if (existsSync(dir)) {
        throw new AppError(
          "conflict",
          `the server has a folder for this repository already: ${dir}; move it away first`,
        );
      }
      await mkdir(dirname(dir), { recursive: true });
      await rename(temporary, dir);
    },
  };
}

/** Whose the first commit is: nobody's work, so the server's own. */
const SERVER = { name: "Windshift", email: "windshift@windshift.local" };

async function commitReadme(dir: string, branch: string, readme: string): Promise<void> {
  const said = async (args: readonly string[], stdin: string) =>
    (
      await gitOn(dir, args, {
        stdin,
        extraEnv: {
          GIT_AUTHOR_NAME: SERVER.name,
          GIT_AUTHOR_EMAIL: SERVER.email,
          GIT_COMMITTER_NAME: SERVER.name,
          GIT_COMMITTER_EMAIL: SERVER.email,
        },
      })
    ).stdout.trim();
  const blob = await said(["hash-object", "-w", "--stdin"], readme);
  const tree = await said(["mktree"], `100644 blob ${blob}\tREADME.md\n`);
  const commit = await said(["commit-tree", "--no-gpg-sign", tree], "Begin with a README\n");
  await gitOn(dir, ["update-ref", `refs/heads/${branch}`, commit]);
}
