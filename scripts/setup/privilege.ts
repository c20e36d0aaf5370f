import { exec } from "@windshift/base/exec.ts";
import { childEnv } from "./child-env.ts";

/** How a command can be run as root on this machine. */
export type Privilege = { kind: "root" } | { kind: "sudo" } | { kind: "none" };

/** `sudo -n` answers at once; 10 s covers a slow directory service. */
const SUDO_MS_MAX = 10_000;

/** Finds out how to become root. May ask for the sudo password when a person is at the terminal. */
export async function findPrivilege(): Promise<Privilege> {
  if (process.getuid?.() === 0) return { kind: "root" };
  if (Bun.which("sudo") === null) return { kind: "none" };
  const quiet = await exec(["sudo", "-n", "true"], { env: childEnv(), timeoutMs: SUDO_MS_MAX });
  if (quiet.exitCode === 0) return { kind: "sudo" };
  if (!process.stdin.isTTY) return { kind: "none" };
  const asked = Bun.spawn(["sudo", "-v"], { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  return (await asked.exited) === 0 ? { kind: "sudo" } : { kind: "none" };
}

/** The command line that runs `argv` as root; undefined when there is no way to. */
export function asRoot(privilege: Privilege, argv: readonly string[]): string[] | undefined {
  switch (privilege.kind) {
    case "root":
      return [...argv];
    case "sudo":
      return ["sudo", "-n", ...argv];
    case "none":
      return undefined;
  }
}
