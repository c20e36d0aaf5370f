import { z } from "zod";
import type { ConnectionCheck, ForgeErrorKind } from "./forge-client.ts";
import type { ForgeAnswer } from "./forge-failure.ts";
import { ask, orNull } from "./forge-reply.ts";
import type { GitlabApi } from "./gitlab-api.ts";

const User = z.object({ username: z.string() });
/** `personal_access_tokens/self` also answers for tokens of groups and projects. */
const Token = z.object({ scopes: z.array(z.string()), expires_at: z.string().nullish() });

/** `api` holds all that is needed; the narrower scopes cannot open merge requests. */
export async function checkGitlab(api: GitlabApi): Promise<ConnectionCheck> {
  const token = await orNull(ask(Token, () => api.tokens.show()));
  if (token !== null && !token.scopes.includes("api"))
    return {
      ok: false,
      kind: "missing_scope",
      message: `The token lacks the scope \`api\`${token.scopes.length === 0 ? "" : ` (it has ${token.scopes.join(", ")})`}. Make one that has it.`,
    };
  const { username } = await ask(User, () => api.users.showCurrentUser());
  // A date without a time ends as that day begins, UTC.
  const endMs = Date.parse(token?.expires_at ?? "");
  return {
    ok: true,
    login: username,
    message: `Connected as ${username}${token === null ? "" : ` with the scopes ${token.scopes.join(", ")}`}.`,
    expiresAtMs: Number.isFinite(endMs) ? endMs : null,
  };
}

/** What only GitLab says with a refusal. */
export function explainGitlab({
  status,
  said,
  text,
}: ForgeAnswer): { kind: ForgeErrorKind; message: string } | undefined {
  if (status === 403 && /insufficient_scope/.test(text))
    return { kind: "missing_scope", message: "The token lacks the scope `api`. Make one that has it." };
  if (status === 401 && /expired/i.test(said))
    return { kind: "unauthorized", message: "The token is expired. Make a new one and enter it." };
  if (status === 401 && /revoked/i.test(said))
    return { kind: "unauthorized", message: "The token was revoked. Make a new one and enter it." };
  return undefined;
}
