import type { ForgeFetch } from "./create-forge-client.ts";
import type { GitCredential, RepositoryAddress } from "./forge-client.ts";

/** One question to git's front of a forge, ms. */
const GIT_ANSWER_MS_MAX = 15_000;

/**
 * Whether the forge would take a push with this credential: it is asked for the refs that a push begins with, and nothing is
 * sent. Forges refuse at this point already, whether the account or only the token may not.
 * @returns undefined when the answer says nothing about it, such as when git's front is down
 */
export async function mayPushByGit(
  fetch: ForgeFetch,
  gitBaseUrl: string,
  { owner, name }: RepositoryAddress,
  credential: GitCredential,
): Promise<boolean | undefined> {
  const path = [...owner.split("/"), `${name}.git`].map(encodeURIComponent).join("/");
  const { username, password } = credential;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  try {
    const { status, body } = await fetch(`${gitBaseUrl}/${path}/info/refs?service=git-receive-pack`, {
      headers: { authorization },
      redirect: "manual",
      signal: AbortSignal.timeout(GIT_ANSWER_MS_MAX),
    });
    await body?.cancel();
    if (status === 200) return true;
    return status === 401 || status === 403 || status === 404 ? false : undefined;
  } catch {
    return undefined;
  }
}
