import { git } from "@windshift/base/git.ts";
import { commitTree, gitOut } from "../git-repository.ts";

/** A clone or a push on loopback takes milliseconds; a loaded machine may take seconds. */
const GIT_MS_MAX = 30_000;

/** A commit on a new branch, in a clone over HTTP as git clients make it. */
export async function pushBranch(options: {
  url: string;
  username: string;
  password: string;
  workDir: string;
  branch: string;
  file: string;
}): Promise<string> {
  const { url, username, password, workDir, branch, file } = options;
  const run = async (args: string[], cwd: string) => {
    const header = `Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const result = await git(["-c", `http.extraHeader=${header}`, ...args], {
      cwd,
      timeoutMs: GIT_MS_MAX,
      protocols: "http",
    });
    if (result.exitCode !== 0) throw new Error(`git ${args[0]} failed: ${result.stderr}`);
  };
  await run(["clone", "--quiet", url, workDir], "/");
  await gitOut(["checkout", "--quiet", "-b", branch], workDir);
  const oid = await commitTree(workDir, { files: { [file]: "work\n" } }, `Add ${file}`);
  await run(["push", "--quiet", "origin", branch], workDir);
  return oid;
}
