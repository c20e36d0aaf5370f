import { basename } from "node:path";
import { type ElfFacts, readElf } from "./elf.ts";
import { TARGETS, type Target } from "./programs.ts";

/** The oldest glibc our executables run with: CentOS 7 and Debian 8 have it. docs/images.md promises it. */
const GLIBC_MAX = "2.17";
/** What a musl image must bring besides the C library itself. docs/images.md names its Alpine package. */
const MUSL_LIBRARIES = ["libstdc++.so.6"];

/**
 * Tells whether an executable is made for its target: a foreign one cannot be tried out here, but its headers can be read.
 * @throws Error that says what differs
 */
export async function checkTarget(file: string, target: Target): Promise<void> {
  const problem = targetProblem(await readElf(file), target);
  if (problem !== undefined) throw new Error(`${file} does not run on ${target}: ${problem}`);
}

/** @returns a sentence's end, undefined when everything fits */
export function targetProblem(facts: ElfFacts, target: Target): string | undefined {
  const { machine, loader, libc } = TARGETS[target];
  if (facts.machine !== machine) return `it is made for ${facts.machine}`;
  if (basename(facts.interpreter ?? "") !== loader)
    return `its loader is ${facts.interpreter ?? "missing"}, not ${loader}`;
  const foreign = facts.needed.filter((name) => !isPresent(name, libc, loader));
  if (foreign.length > 0) return `it needs ${foreign.join(", ")}`;
  if (facts.glibcMin !== undefined && (libc === "musl" || isNewer(facts.glibcMin, GLIBC_MAX)))
    return `it needs glibc ${facts.glibcMin}`;
  return undefined;
}

/** Whether every image of this C library has the shared library, or the documentation says to install it. */
function isPresent(name: string, libc: "glibc" | "musl", loader: string): boolean {
  if (name === loader) return true;
  if (libc === "musl") return name.startsWith("libc.musl-") || MUSL_LIBRARIES.includes(name);
  return /^lib(c|pthread|dl|m|rt)\.so\.\d+$/.test(name);
}

function isNewer(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) > 0;
}
