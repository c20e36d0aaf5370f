import { z } from "zod";
import { type ConnectionCheck, ForgeError, type ForgeErrorKind } from "./forge-client.ts";
import type { ForgeAnswer } from "./forge-failure.ts";
import { ask, forgeCall } from "./forge-reply.ts";
import type { GithubAccess, GithubApi } from "./github-access.ts";
import { GithubUser } from "./github-schemas.ts";

/** What a GitHub App needs, in GitHub's own names. */
const APP_PERMISSIONS = { contents: "write", pull_requests: "write", metadata: "read" } as const;

const Installation = z.object({
  /** An enterprise has a short name and no login. */
  account: z.object({ login: z.string().optional(), slug: z.string().optional() }).nullable(),
  permissions: z.record(z.string(), z.string()),
  suspended_at: z.string().nullish(),
});
const App = z.object({ slug: z.string(), name: z.string() });

/** Says in a sentence who the credential is and what it lacks. @throws ForgeError when GitHub gives no answer */
export function checkGithub(access: GithubAccess): Promise<ConnectionCheck> {
  return access.app === undefined
    ? checkToken(access.api)
    : checkApp(access.app.api, access.app.installationId);
}

async function checkToken(api: GithubApi): Promise<ConnectionCheck> {
  const { data, headers } = await forgeCall(() => api.rest.users.getAuthenticated());
  const { login } = await ask(GithubUser, async () => data);
  const scopes = headers["x-oauth-scopes"];
  const expiresAtMs = expiryOf(headers["github-authentication-token-expiration"]);
  if (scopes === undefined)
    return { ok: true, login, message: `Connected as ${login} with a fine-grained token.`, expiresAtMs };
  const held = scopes.split(/\s*,\s*/).filter((scope) => scope !== "");
  if (held.includes("repo"))
    return {
      ok: true,
      login,
      message: `Connected as ${login} with the scopes ${held.join(", ")}.`,
      expiresAtMs,
    };
  return missing(
    `The token of ${login} lacks the scope \`repo\`${held.length === 0 ? "" : ` (it has ${held.join(", ")})`}. Make one that has it.`,
  );
}

async function checkApp(api: GithubApi, installationId: number): Promise<ConnectionCheck> {
  const app = await ask(App, async () => (await api.rest.apps.getAuthenticated()).data);
  const installation = await ask(
    Installation,
    async () => (await api.rest.apps.getInstallation({ installation_id: installationId })).data,
  ).catch((error: unknown) => {
    if (!(error instanceof ForgeError) || error.kind !== "not_found") throw error;
    throw new ForgeError("not_found", `The app ${app.name} has no installation ${installationId}.`);
  });
  const where = installation.account?.login ?? installation.account?.slug ?? "an account";
  if (installation.suspended_at)
    return {
      ok: false,
      kind: "forbidden",
      message: `The installation of ${app.name} at ${where} is suspended.`,
    };
  const lacking = Object.entries(APP_PERMISSIONS).filter(
    ([name, level]) => !includes(installation.permissions[name], level),
  );
  if (lacking.length > 0)
    return missing(
      `The app ${app.name} lacks ${lacking.map(([name, level]) => `\`${name}: ${level}\``).join(" and ")} at ${where}. Change its permissions and accept them there.`,
    );
  return {
    ok: true,
    login: `${app.slug}[bot]`,
    message: `Connected as the app ${app.name} at ${where}.`,
    expiresAtMs: null,
  };
}

function includes(held: string | undefined, wanted: "read" | "write"): boolean {
  return held === "write" || held === "admin" || held === wanted;
}

function missing(message: string): ConnectionCheck {
  return { ok: false, kind: "missing_scope", message };
}

/** GitHub writes `2026-01-02 03:04:05 UTC` or with an offset. */
function expiryOf(header: unknown): number | null {
  const ms =
    typeof header === "string"
      ? Date.parse(
          header
            .replace(/ UTC$/, "Z")
            .replace(" ", "T")
            .replace(/ ([+-]\d{4})$/, "$1"),
        )
      : Number.NaN;
  return Number.isFinite(ms) ? ms : null;
}

/** What only GitHub says with a refusal. */
export function explainGithub({
  status,
  headers,
  said,
}: ForgeAnswer): { kind: ForgeErrorKind; message: string } | undefined {
  if (status !== 403 && status !== 404) return undefined;
  if (/^required/.test(headers.get("x-github-sso") ?? ""))
    return {
      kind: "forbidden",
      message: "The organization demands single sign-on: authorize the token for it at GitHub.",
    };
  const accepted = headers.get("x-accepted-oauth-scopes");
  const held = headers.get("x-oauth-scopes");
  if (accepted && held !== null && !/\brepo\b/.test(held) && /\brepo\b/.test(accepted))
    return { kind: "missing_scope", message: "The token lacks the scope `repo`. Make one that has it." };
  if (status === 403 && /not accessible by (integration|personal access token)/i.test(said)) {
    const needed = headers.get("x-accepted-github-permissions");
    return {
      kind: "missing_scope",
      message: `The credential lacks a permission for this${needed ? `: ${needed.slice(0, 200)}` : ""}. Add it at GitHub, and accept it where an app is installed.`,
    };
  }
  return undefined;
}
