import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import { restEndpointMethods } from "@octokit/plugin-rest-endpoint-methods";
import type { Clock } from "@windshift/base/clock.ts";
import { z } from "zod";
import type { ForgeFetch, ForgeOptions } from "./create-forge-client.ts";
import { ForgeError, type GitCredential } from "./forge-client.ts";
import { ask, forgeErrorIn } from "./forge-reply.ts";

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
 * their end, or when GitHub does not take one any more. Nothing is asked of GitHub before the first call.
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
  // For the signature alone. Tokens of the installation are made here: the library gives those who ask at the same time the same
  // one by the number of the installation, though they ask another GitHub, and so one workspace could have another's.
  const auth = createAppAuth({ appId, privateKey, request: plain().request, log: SILENT });
  const appApi = plain();
  authorize(appApi, async () => `bearer ${(await signed(() => auth({ type: "app" }))).token}`);
  const token = createInstallationToken(() => makeToken(appApi, installationId), clock);
  authorizeAnew(api, token);
  return { api, credential: token.get, app: { api: appApi, installationId } };
}

/** GitHub's word for "the password is a token". */
const USERNAME = "x-access-token";
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function authorize(api: GithubApi, header: () => Promise<string>): void {
  api.hook.before("request", async (request) => {
    request.headers.authorization = await header();
  });
}

type ExpiringCredential = GitCredential & { expiresAtMs: number };
const MadeToken = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

async function makeToken(appApi: GithubApi, installationId: number): Promise<ExpiringCredential> {
  const params = { installation_id: installationId };
  const { token, expires_at } = await ask(
    MadeToken,
    async () => (await appApi.rest.apps.createInstallationAccessToken(params)).data,
  );
  return { username: USERNAME, password: token, expiresAtMs: Date.parse(expires_at) };
}

interface InstallationToken {
  get(): Promise<GitCredential>;
  /** GitHub does not take it any more: another one is made for the next call, unless one was made since. */
  drop(password: string): void;
}

/**
 * GitHub takes tokens back before their end, such as when an app is suspended for a while. What it answers 401 was not done,
 * so also a write is sent again, once, with a token that was just made.
 */
function authorizeAnew(api: GithubApi, token: InstallationToken): void {
  api.hook.wrap("request", async (send, request) => {
    const sendAs = ({ password }: GitCredential) => {
      request.headers.authorization = `token ${password}`;
      return send(request);
    };
    const held = await token.get();
    try {
      return await sendAs(held);
    } catch (error) {
      if (forgeErrorIn(error)?.kind !== "unauthorized") throw error;
      token.drop(held.password);
      return await sendAs(await token.get());
    }
  });
}

/** Makes one token, however many ask. */
function createInstallationToken(
  create: () => Promise<ExpiringCredential>,
  clock: Pick<Clock, "nowMs">,
): InstallationToken {
  let held: ExpiringCredential | undefined;
  let making: Promise<ExpiringCredential> | undefined;
  const make = async () => {
    try {
      held = await create();
      return held;
    } finally {
      making = undefined;
    }
  };
  return {
    get: async () => {
      if (held !== undefined && clock.nowMs() < held.expiresAtMs - INSTALLATION_TOKEN_RENEW_MS) return held;
      making ??= make();
      return await making;
    },
    drop: (password) => {
      if (held?.password === password) held = undefined;
    },
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
