import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Program } from "../build/programs.ts";
import { bundledPackages, type InstalledPackage, runtimePackage } from "../image/sbom/bundled-packages.ts";

/** Code of others in our programs. */
export interface ThirdParty {
  /** Sorted, each name and version once. */
  packages: InstalledPackage[];
  /** The packages' own texts of their licenses, one after the other. */
  notice: string;
}

/** The web app is bundled by itself before the server takes it along. */
const WEB_APP: Program = { name: "web", entry: "apps/web/src/main.tsx", aliases: [] };
const LICENCE_FILE = /^(?:licen[cs]e|notice|copying)(?:[.-].*)?$/i;

/** What the bundler really put into programs, and the runtime that each of them carries. */
export async function thirdParty(programs: readonly Program[]): Promise<ThirdParty> {
  const web = programs.some((program) => program.webApp === true) ? [WEB_APP] : [];
  const found = new Map<string, InstalledPackage>();
  for (const program of [...programs, ...web])
    for (const one of await bundledPackages(program)) found.set(`${one.name}@${one.version}`, one);
  const runtime = await runtimePackage();
  const packages = [runtime, ...[...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)];
  const texts = await Promise.all(packages.map(noticeOf));
  return { packages, notice: `${PREFACE}\n${texts.join("\n")}` };
}

const PREFACE = `The programs of this release hold code of the packages below, each under the license it names.
`;

async function noticeOf(one: InstalledPackage): Promise<string> {
  const title = `${one.name} ${one.version} (${one.licence})`;
  const texts = await licenceTexts(one.folder);
  const body =
    texts.length > 0
      ? texts.join("\n")
      : `The package has no text of its own; its license is ${one.licence}.`;
  return `${"=".repeat(100)}\n${title}\n${"=".repeat(100)}\n\n${body.trim()}\n`;
}

/** As the package brings them along. */
async function licenceTexts(folder: string): Promise<string[]> {
  if (!existsSync(folder)) throw new Error(`${folder} is not installed; run npm ci`);
  const names = (await readdir(folder)).filter((name) => LICENCE_FILE.test(name)).toSorted();
  return Promise.all(names.map((name) => Bun.file(join(folder, name)).text()));
}
