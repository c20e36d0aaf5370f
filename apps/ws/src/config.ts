import { readFileSync } from "node:fs";
import { type Env, EXIT, WsError } from "./command.ts";
import { field } from "./fields.ts";
import { signInFile } from "./sign-in-file.ts";

/** Where `ws` talks to, as whom, and about what. */
export interface WsConfig {
  /** Ends in `/api`, without a slash at its end. */
  apiUrl: string;
  /** Undefined only while somebody signs in. */
  token: string | undefined;
  workspace: string | undefined;
}

export const WS_SETTINGS = {
  apiUrl: {
    name: "WS_API_URL",
    defaultText: "of `ws login`",
    doc: "Address of the API; ends in `/api`. Without `https://` only this machine is called, unless it is a run's.",
  },
  token: {
    name: "WS_TOKEN",
    defaultText: "of `ws login`",
    doc: "A person's API token, or the run token.",
    secret: true,
  },
  workspace: {
    name: "WS_WORKSPACE_KEY",
    defaultText: "of `ws login`",
    doc: "The workspace meant when a command names none; set inside a run.",
  },
  itemKey: {
    name: "WINDSHIFT_ITEM_KEY",
    defaultText: "unset",
    doc: "The work item meant when a command names none; set inside a run.",
  },
  runId: {
    name: "AGENT_RUN_ID",
    defaultText: "unset",
    doc: "Set inside a run: then only the environment counts, and no file is read.",
  },
  allowInsecure: {
    name: "WS_ALLOW_INSECURE",
    defaultText: "unset",
    doc: "`1` lets a token go to an `http://` address on another machine.",
  },
} as const;

/**
 * Reads where to go: the environment, and what it leaves open from the file of `ws login`. Inside a run the environment alone
 * counts, and no file of a folder is ever read: no repository can point a token elsewhere (PI-08).
 * @throws WsError that gathers every problem; a bad value is refused, never replaced
 */
export function readConfig(env: Env): WsConfig {
  const pinned = env[WS_SETTINGS.runId.name] !== undefined || env[WS_SETTINGS.token.name] !== undefined;
  const kept = pinned ? {} : readSignIn(env);
  const apiUrl = (env[WS_SETTINGS.apiUrl.name] ?? kept.apiUrl ?? "").replace(/\/+$/, "");
  const token = env[WS_SETTINGS.token.name] ?? (apiUrl === kept.apiUrl ? kept.token : undefined) ?? "";
  const workspace = env[WS_SETTINGS.workspace.name] ?? kept.workspace;
  const problems: string[] = [];
  if (apiUrl === "" && token === "")
    problems.push("sign in with `ws login ADDRESS`, or set WS_API_URL and WS_TOKEN");
  else {
    const shown = apiUrl === "" ? "" : `, not ${JSON.stringify(apiUrl.slice(0, 200))}`;
    if (!isApiUrl(apiUrl)) problems.push(`WS_API_URL must be an http(s) address that ends in /api${shown}`);
    else if (!isSafe(apiUrl, token, env)) problems.push(insecure(apiUrl));
    if (!/^[\x21-\x7e]+$/.test(token)) problems.push("WS_TOKEN must be set to a token");
  }
  if (problems.length > 0) throw new WsError(problems.join("; "), EXIT.usage);
  return { apiUrl, token, workspace };
}

/** A person's token goes over https, or to this very machine; a run's address was chosen by its server. */
export function isSafe(apiUrl: string, token: string, env: Env): boolean {
  const { protocol, hostname } = new URL(apiUrl);
  const near = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return (
    protocol === "https:" || near || token.startsWith("wsrun_") || env[WS_SETTINGS.allowInsecure.name] === "1"
  );
}

/** Why a token is not sent to such an address, and what to do. */
export function insecure(apiUrl: string): string {
  return `${apiUrl} is not https, and a token sent there can be read on the way; use https, or set WS_ALLOW_INSECURE=1`;
}

/** An address of HTTP or HTTPS that ends in /api, with no user, query or fragment. */
export function isApiUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const bare = url.username === "" && url.search === "" && url.hash === "";
  return /^https?:$/.test(url.protocol) && bare && url.pathname.endsWith("/api");
}

/** What `ws login` left; empty when nobody signed in. @throws WsError when the file is damaged */
export function readSignIn(env: Env): Partial<Record<"apiUrl" | "token" | "workspace", string>> {
  const path = signInFile(env);
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch {
    return {};
  }
  const kept = parsed(content, path);
  const of = (name: string) => {
    const value = field(kept, name);
    return typeof value === "string" ? { value } : {};
  };
  return {
    ...named("apiUrl", of("api_url").value),
    ...named("token", of("token").value),
    ...named("workspace", of("workspace").value),
  };
}

function named(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

function parsed(content: string, path: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    throw new WsError(`${path} is damaged; sign in again with \`ws login\``, EXIT.usage);
  }
}
