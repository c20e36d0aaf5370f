import { buildVersion } from "@windshift/base/build-version.ts";
import { assert } from "@windshift/contract/app-error.ts";
import installer from "../../../../deploy/install.sh" with { type: "text" };
import type { ProgramSum } from "./runner-install-programs.ts";
import script from "./runner-install-script.sh" with { type: "text" };

/** Characters of an address that mean nothing to a shell, quoted or not. */
const PLAIN_ADDRESS = /^https?:\/\/[A-Za-z0-9.:[\]_~/-]+$/;
/** Of an image's reference. */
const PLAIN_IMAGE = /^[A-Za-z0-9._:/@-]*$/;
const HERE_END = "END_OF_INSTALLER";

export interface RunnerInstall {
  /** As hosts reach the server, without a trailing slash. */
  baseUrl: string;
  /** Agent image that new runners are given unless they name another. */
  image: string | undefined;
  programs: readonly ProgramSum[];
}

/**
 * A shell script that installs a runner of this server. Everything that is put into it is held to a set of characters in
 * which nothing ends a quoted word; where the server's own address is not, the script says so and does nothing.
 */
export function installScript({ baseUrl, image = "", programs }: RunnerInstall): string {
  const plain = PLAIN_ADDRESS.test(baseUrl);
  const problem =
    "this server has an address that cannot be put into a script; set its BASE_URL to a plain one";
  const sums = programs.map(({ target, program, sha256 }) => `${target}/${program} ${sha256}`).join("\n");
  assert(/^[a-z0-9/ \n-]*$/.test(sums), "checksums are plain");
  const header = [
    `SERVER='${plain ? baseUrl : ""}'`,
    `VERSION='${buildVersion.replace(/[^A-Za-z0-9.+-]/g, "")}'`,
    `IMAGE='${PLAIN_IMAGE.test(image) ? image : ""}'`,
    `PROBLEM='${plain ? "" : problem}'`,
    `CHECKSUMS='${sums}'`,
  ].join("\n");
  assert(!installer.includes(`\n${HERE_END}\n`), "the installer does not end its own quotation");
  return script.replace(" @HEADER@\n", () => `\n${header}\n`).replace("@INSTALLER@\n", () => installer);
}

/** `export` is the shell's own, so the token is in no program's arguments. */
export function installCommand(baseUrl: string, token: string): string {
  const address = `${baseUrl}/api/runner-install.sh`;
  const word = PLAIN_ADDRESS.test(address) ? address : `'${address.replaceAll("'", `'\\''`)}'`;
  return `export WSRUNNER_REGISTRATION_TOKEN=${token}; curl -fsSL ${word} | sudo -E sh`;
}
