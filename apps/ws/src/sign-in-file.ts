import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Env, EXIT, WsError } from "./command.ts";

export interface SignIn {
  api_url: string;
  token: string;
  workspace?: string;
}

/** Where `ws login` keeps what it was given, readable by its owner alone. */
export function signInFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME || (env.HOME ? join(env.HOME, ".config") : undefined);
  if (base === undefined)
    throw new WsError("HOME is not set: set WS_API_URL and WS_TOKEN instead", EXIT.usage);
  return join(base, "windshift", "ws.json");
}

/** Replaces the file in one step; it never exists with a wider mode than 0600 (CL-03). */
export function writeSignIn(env: Env, signIn: SignIn): string {
  const path = signInFile(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const half = `${path}.${process.pid}`;
  writeFileSync(half, `${JSON.stringify(signIn, null, 2)}\n`, { mode: 0o600 });
  chmodSync(half, 0o600);
  renameSync(half, path);
  return path;
}

/** Forgets the kept sign-in; there need not be one. */
export function removeSignIn(env: Env): void {
  rmSync(signInFile(env), { force: true });
}
