import { existsSync, writeFileSync } from "node:fs";
import { exec } from "@windshift/base/exec.ts";
import { type Architecture, hostArchitecture } from "../build/programs.ts";
import { childEnv } from "../setup/child-env.ts";
import { ensurePackages, program } from "../setup/ensure-packages.ts";
import type { Log } from "../setup/log.ts";

/** Where the kernel is told which program runs executables of another machine. */
const BINFMT = "/proc/sys/fs/binfmt_misc";
/** Of each machine: QEMU's name for it, and the number ELF has for it, little endian. */
const MACHINES: Record<Architecture, { qemu: string; elf: readonly [number, number] }> = {
  amd64: { qemu: "x86_64", elf: [0x3e, 0] },
  arm64: { qemu: "aarch64", elf: [0xb7, 0] },
};

/**
 * Lets this machine, containers included, run executables of another architecture by Debian's `qemu-user-static`: slow, and for
 * looking whether they work. Needs root; stays until the machine is started again.
 * @throws Error that says what is missing
 */
export async function ensureForeignMachine(architecture: Architecture, log: Log): Promise<void> {
  if (architecture === hostArchitecture()) return;
  const { qemu, elf } = MACHINES[architecture];
  if (existsSync(`${BINFMT}/qemu-${qemu}`)) return;
  const emulator = `qemu-${qemu}-static`;
  const packages = await ensurePackages([program(emulator, "qemu-user-static")], log);
  if (packages.kind === "missing") throw new Error(packages.why);
  if (!existsSync(`${BINFMT}/register`)) {
    const mounted = await exec(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], {
      env: childEnv(),
      timeoutMs: 10_000,
    });
    if (mounted.exitCode !== 0) throw new Error(`this kernel runs no foreign programs: ${mounted.stderr}`);
  }
  // Installing the package may have registered it.
  if (existsSync(`${BINFMT}/qemu-${qemu}`)) return;
  writeFileSync(`${BINFMT}/register`, registration(qemu, elf, Bun.which(emulator) ?? emulator));
}

/** A 64-bit little-endian executable or shared object for the machine; F opens the emulator now, so that containers have it too. */
function registration(qemu: string, elf: readonly [number, number], emulator: string): string {
  const hex = (bytes: readonly number[]) =>
    bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  const magic = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, ...new Array(8).fill(0), 2, 0, ...elf];
  const mask = [...new Array(7).fill(0xff), 0, ...new Array(8).fill(0xff), 0xfe, 0xff, 0xff, 0xff];
  return `:qemu-${qemu}:M::${hex(magic)}:${hex(mask)}:${emulator}:FC`;
}
