import { access, constants, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { RunnerCredential, WhoamiReply } from "@windshift/contract/runner.ts";
import { type Check, failed, passed, warned } from "@windshift/execution/check.ts";
import { folderProblem } from "@windshift/execution/worktree.ts";
import { pathsOf, type RunnerSettings } from "../config.ts";

/** Time for one answer of the server, ms. */
const ASK_MS_MAX = 10_000;
const KEPT = "In a container, keep the folder on a volume.";

/** The credential is kept where it survives a restart and nobody else reads it. */
export async function checkCredentialFile(settings: RunnerSettings): Promise<Check> {
  const name = "credential file";
  const { credential: file } = pathsOf(settings);
  if (settings.credential !== undefined) return passed(name, "not used: WSRUNNER_CREDENTIAL is set");
  const folder = await folderProblem(dirname(file));
  if (folder !== undefined)
    return failed(
      name,
      `the folder ${dirname(file)} ${folder}, so the runner would ask for a registration token after each start. Give this user the folder, or set WSRUNNER_CREDENTIAL_FILE to another. ${KEPT}`,
    );
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return passed(name, `${file} is made at the first start`);
  if (!(await mayRead(file)))
    return failed(
      name,
      `${file} cannot be read by this user. Run chown for the user that the runner runs as.`,
    );
  if (found.size > 0 && !RunnerCredential.safeParse((await readFile(file, "utf8")).trim()).success)
    return failed(name, `${file} holds no runner credential (wsrc_…). Remove it and register again.`);
  if ((found.mode & 0o077) !== 0)
    return warned(name, `${file} can be read by other users. Protect it: chmod 600 ${file}`);
  return passed(name, file);
}

/** There is a credential, and the server knows it; a registration token is not tried, for it can be used only once. */
export async function checkCredential(settings: RunnerSettings): Promise<Check> {
  const name = "credential";
  const credential = settings.credential ?? (await keptCredential(settings));
  if (credential === undefined)
    return settings.registrationToken === undefined
      ? failed(
          name,
          "there is no credential and WSRUNNER_REGISTRATION_TOKEN is not set. Mint a registration token for a pool and set it.",
        )
      : warned(
          name,
          "this runner is not registered yet. Its registration token is exchanged at the first start; it was not tried here, for it can be used only once.",
        );
  const response = await fetch(`${settings.apiUrl}/runner/whoami`, {
    headers: { authorization: `Bearer ${credential}` },
    redirect: "manual",
    signal: AbortSignal.timeout(ASK_MS_MAX),
  });
  if (response.status === 401 || response.status === 403)
    return failed(
      name,
      `the server does not take this runner's credential (it is unknown, expired or revoked). Mint a registration token for its pool, remove ${pathsOf(settings).credential} and start with WSRUNNER_REGISTRATION_TOKEN.`,
    );
  const reply = WhoamiReply.safeParse(await response.json().catch(() => undefined));
  if (!reply.success)
    return failed(name, `the server answers with status ${response.status}. Install both from one release.`);
  const { name: known, pool, drain, alert } = reply.data;
  if (alert !== null) return warned(name, `the server says of ${known}: ${alert}`);
  if (drain)
    return warned(
      name,
      `${known} in the pool ${pool} is asked to take no more. End the drain in the settings of its pool.`,
    );
  return passed(name, `${known} in the pool ${pool}`);
}

async function keptCredential(settings: RunnerSettings): Promise<string | undefined> {
  const text = await readFile(pathsOf(settings).credential, "utf8").catch(() => "");
  return text.trim() === "" ? undefined : text.trim();
}

function mayRead(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}
