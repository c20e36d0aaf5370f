import { hostname } from "node:os";
import { type Api, createApi } from "../api.ts";
import { type Call, type Command, EXIT, usageError, WsError } from "../command.ts";
import { insecure, isApiUrl, isSafe, readSignIn, WS_SETTINGS } from "../config.ts";
import { field, list, text } from "../fields.ts";
import { readStdin } from "../item-key.ts";
import { removeSignIn, writeSignIn } from "../sign-in-file.ts";
import { printable } from "../terminal.ts";

/** Between two asks when the server names no time, s. */
const POLL_S = 2;

export const loginCommands: readonly Command[] = [
  {
    words: ["login"],
    operands: "ADDRESS",
    doc: "sign in to a server: approve it in the browser, or give a token on stdin",
    local: true,
    options: [
      { name: "with-token", doc: "read an API token (wst_…) from stdin" },
      { name: "workspace", short: "w", value: "KEY", doc: "workspace for commands that name none" },
    ],
    run: login,
  },
  {
    words: ["logout"],
    operandsMax: 0,
    doc: "end the token of `ws login` and forget it on this machine",
    local: true,
    run: logout,
  },
  {
    words: ["whoami"],
    operandsMax: 0,
    doc: "who you are, where, and in which workspaces",
    run: async ({ api, out }) => {
      const me = await api.get("/me");
      const spaces = list(me, "workspaces").map((one) => `${text(one, "key")} (${text(one, "role")})`);
      await out.answer(
        me,
        () => `${text(me, "name")} <${text(me, "email")}> at ${api.origin}\n${spaces.join(", ")}`,
      );
      return EXIT.ok;
    },
  },
];

async function login(call: Call): Promise<number> {
  if (call.env[WS_SETTINGS.runId.name] !== undefined)
    throw new WsError("inside a run address and token are set already", EXIT.usage);
  const apiUrl = apiUrlOf(call.operands[0]);
  if (!isSafe(apiUrl, "", call.env)) throw new WsError(insecure(apiUrl), EXIT.usage);
  const token = call.has("with-token")
    ? (await readStdin("the token")).trim()
    : await askInBrowser(call, apiUrl);
  if (!/^wst_[\x21-\x7e]+$/.test(token)) throw usageError("an API token begins with wst_");
  const me = await createApi({ apiUrl, token, workspace: undefined }).get("/me");
  const workspace = call.option("workspace") ?? onlyWorkspace(me);
  const keys = list(me, "workspaces").map((one) => text(one, "key"));
  if (workspace !== undefined && !keys.includes(workspace))
    throw usageError(`you are in no workspace ${workspace}; there are ${keys.join(", ") || "none"}`);
  const path = writeSignIn(call.env, {
    api_url: apiUrl,
    token,
    ...(workspace === undefined ? {} : { workspace }),
  });
  await call.out.answer(
    { api_url: apiUrl, user: field(me, "name"), workspace: workspace ?? null },
    () => `signed in as ${text(me, "name")}; kept in ${path}`,
  );
  return EXIT.ok;
}

/** Ends the token on the server where that answers; the file goes in any case. A token of the environment is not ours to end. */
async function logout({ env, out }: Call): Promise<number> {
  const kept = readSignIn(env);
  const problem = kept.apiUrl && kept.token ? await endToken(kept.apiUrl, kept.token) : undefined;
  removeSignIn(env);
  const rest =
    problem === undefined ? "" : `; its token could not be ended (${problem}), do that on your account page`;
  await out.answer({ signed_in: false, token_ended: problem === undefined }, () => `signed out${rest}`);
  return EXIT.ok;
}

/** @returns why it could not be ended */
async function endToken(apiUrl: string, token: string): Promise<string | undefined> {
  const api = createApi({ apiUrl, token, workspace: undefined });
  try {
    const own = list(await api.get("/tokens"), "tokens").find((one) => field(one, "current") === true);
    if (own !== undefined) await api.send("DELETE", `/tokens/${text(own, "id")}`);
    return undefined;
  } catch (error) {
    // One that the server does not know has ended already.
    if (error instanceof WsError) return error.exitCode === 4 ? undefined : error.message;
    throw error;
  }
}

/** `windshift.example.com`, with or without https:// and /api. */
function apiUrlOf(address: string | undefined): string {
  if (!address) throw usageError("name the server, such as https://windshift.example.com");
  const withScheme = /^https?:\/\//.test(address) ? address : `https://${address}`;
  const apiUrl = `${withScheme.replace(/\/+$/, "").replace(/\/api$/, "")}/api`;
  if (!isApiUrl(apiUrl)) throw usageError(`${JSON.stringify(address)} is no address of a server`);
  return apiUrl;
}

/** Asks for a token that somebody approves in a browser, on this machine or another. The token is never in an address. */
async function askInBrowser(call: Call, apiUrl: string): Promise<string> {
  const api = createApi({ apiUrl, token: undefined, workspace: undefined });
  const started = await api.send("POST", "/cli-logins", { client_name: `ws on ${hostname()}`.slice(0, 100) });
  // Shown before there is any trust in who answers: at the address that was typed, and without control characters (CL-01).
  const page = `${api.origin}${text(started, "verification_path")}`;
  process.stderr.write(
    `Open ${printable(page)}\nand approve the code ${printable(text(started, "user_code"))}\n`,
  );
  return pollForToken(api, started, call.signal);
}

async function pollForToken(api: Api, started: unknown, signal: AbortSignal): Promise<string> {
  const poll_secret = text(started, "poll_secret");
  const endsAtMs = Date.parse(text(started, "expires_at"));
  while (!signal.aborted && Date.now() < endsAtMs) {
    await Bun.sleep((Number(field(started, "interval_s")) || POLL_S) * 1_000);
    const answer = await api.send("POST", "/cli-logins/poll", { poll_secret }).catch(whileItLasts);
    if (text(answer, "state") === "approved") return text(answer, "token");
    if (text(answer, "state") === "denied") throw new WsError("the sign-in was denied in the browser", 4);
  }
  throw new WsError("nobody approved the sign-in in time; run ws login again", 4);
}

/** A server that cannot be reached for a moment has forgotten nothing; what it refuses it refuses for good. */
function whileItLasts(error: unknown): undefined {
  if (error instanceof WsError && error.isPassing) return undefined;
  throw error;
}

function onlyWorkspace(me: unknown): string | undefined {
  const [first, ...others] = list(me, "workspaces");
  return first !== undefined && others.length === 0 ? text(first, "key") : undefined;
}
