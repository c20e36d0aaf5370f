/** Where `ws` talks to and about what. Read from the environment alone: no file of a repository can point the token elsewhere. */
export interface WsConfig {
  /** Ends in `/api`, without a slash at its end. */
  apiUrl: string;
  token: string;
}

export const WS_SETTINGS = {
  apiUrl: { name: "WS_API_URL", defaultText: "required", doc: "Address of the API; ends in `/api`." },
  token: {
    name: "WS_TOKEN",
    defaultText: "required",
    doc: "A person's API token, or the run token.",
    secret: true,
  },
  itemKey: {
    name: "WINDSHIFT_ITEM_KEY",
    defaultText: "unset",
    doc: "The work item meant when a command names none; set inside a run.",
  },
} as const;

type Env = Record<string, string | undefined>;

/** Gathers every problem; a bad value is refused, never replaced. */
export function readConfig(
  env: Env,
): { kind: "ok"; config: WsConfig } | { kind: "problems"; problems: string[] } {
  const problems: string[] = [];
  const apiUrl = env[WS_SETTINGS.apiUrl.name]?.replace(/\/+$/, "") ?? "";
  const token = env[WS_SETTINGS.token.name] ?? "";
  if (!isApiUrl(apiUrl)) {
    const shown = apiUrl === "" ? "" : `, not ${JSON.stringify(apiUrl.slice(0, 200))}`;
    problems.push(`WS_API_URL must be an http(s) address that ends in /api${shown}`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) problems.push("WS_TOKEN must be set to a token");
  return problems.length > 0 ? { kind: "problems", problems } : { kind: "ok", config: { apiUrl, token } };
}

function isApiUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const bare = url.username === "" && url.search === "" && url.hash === "";
  return /^https?:$/.test(url.protocol) && bare && url.pathname.endsWith("/api");
}
