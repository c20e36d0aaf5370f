import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import { restEndpointMethods } from "@octokit/plugin-rest-endpoint-methods";
import type { Clock } from "@windshift/base/clock.ts";
import type { ForgeFetch, ForgeOptions } from "./create-forge-client.ts";
import { ForgeError, type GitCredential } from "./forge-client.ts";
import { forgeCall } from "./forge-reply.ts";

/** octokit's core with its methods, without its plugins that wait and try again: a write is never repeated blindly. */
const GithubApi = Octokit.plugin(restEndpointMethods);
export type GithubApi = InstanceType<typeof GithubApi>;

/** One credential: how it speaks to the API, and to git. */
export interface GithubAccess {
  api: GithubApi;
  credential(): Promise<GitCredential>;
  /** Calls as the app itself; undefined for a token. */
  app: { api: GithubApi; installationId: number } | undefined;
}

/** An installation token is renewed this long before it ends, ms: a push that starts with it must come to its end. */
export const INSTALLATION_TOKEN_RENEW_MS = 300_000;

/**
 * Speaks as a token, or as an installation of a GitHub App, whose tokens are made when they are needed and renewed five minutes before
 * their end. Nothing is asked of GitHub before the first call.
 * @param fetch the way out, which decides what may be reached
 */
export function createGithubAccess(
  options: ForgeOptions,
  apiUrl: string,
  fetch: ForgeFetch,
  clock: Clock,
): GithubAccess {
  const { credential } = options;
  const plain = () =>
    new GithubApi({ baseUrl: apiUrl, request: { fetch }, userAgent: "windshift", log: SILENT });
  const api = plain();
  if (credential.kind === "token") {
    authorize(api, async () => `token ${credential.token}`);
    const git = { username: USERNAME, password: credential.token, expiresAtMs: null };
    return { api, credential: async () => git, app: undefined };
  }
  const { appId, privateKey, installationId } = credential;
  const auth = createAppAuth({ appId, privateKey, installationId, request: plain().request, log: SILENT });
  const token = createInstallationToken(
    (refresh) => forgeCall(() => signed(() => auth({ type: "installation", refresh }))),
    clock,
  );
  authorize(api, async () => `token ${(await token()).password}`);
  const appApi = plain();
  authorize(appApi, async () => `bearer ${(await signed(() => auth({ type: "app" }))).token}`);
  return { api, credential: token, app: { api: appApi, installationId } };
}

/** GitHub's word for "the password is a token". */
const USERNAME = "x-access-token";
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function authorize(api: GithubApi, header: () => Promise<string>): void {
  api.hook.before("request", async (request) => {
    request.headers.authorization = await header();
  });
}

/** The library makes one token however many ask, but gives it out until its last minute; a push wants a longer one. */
function createInstallationToken(
  create: (refresh: boolean) => Promise<{ token: string; expiresAt: string }>,
  clock: Clock,
): () => Promise<GitCredential> {
  let held: GitCredential & { expiresAtMs: number } = { username: USERNAME, password: "", expiresAtMs: 0 };
  return async () => {
    if (clock.nowMs() < held.expiresAtMs - INSTALLATION_TOKEN_RENEW_MS) return held;
    const { token, expiresAt } = await create(held.password !== "");
    held = { username: USERNAME, password: token, expiresAtMs: Date.parse(expiresAt) };
    return held;
  };
}

/** Signing fails only over the key; what the library says of it may quote the key. */
async function signed<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && "status" in error) throw error;
    throw new ForgeError(
      "unauthorized",
      "The private key of the GitHub App cannot be used. Enter the whole PEM text that GitHub gave out, with its first and last line.",
    );
  }
}
