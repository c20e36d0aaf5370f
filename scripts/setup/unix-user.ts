import { readFileSync } from "node:fs";
import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "./child-env.ts";

/** A user that programs which refuse root can run as. `prefix` goes before their command line; empty when we are not root. */
export interface UnixUser {
  uid: number;
  gid: number;
  prefix: string[];
}

/** This user when it is not root, else `postgres` or `nobody`. */
export async function findUnprivilegedUser(): Promise<UnixUser | undefined> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return { uid, gid, prefix: [] };
  for (const name of ["postgres", "nobody"]) {
    const entry = passwdEntry(name);
    if (entry === undefined) continue;
    const prefix = ["setpriv", `--reuid=${entry.uid}`, `--regid=${entry.gid}`, "--clear-groups"];
    const works = await exec([...prefix, "true"], { env: childEnv(), timeoutMs: 10_000 });
    if (works.exitCode === 0) return { ...entry, prefix };
  }
  return undefined;
}

function passwdEntry(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
