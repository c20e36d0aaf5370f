import { dirname, join, sep } from "node:path";
import { z } from "zod";
import { REPOSITORY_ROOT } from "../../build/compile.ts";
import type { Program } from "../../build/programs.ts";

/** A package of the registry, of which some code is in an executable. */
export interface BundledPackage {
  name: string;
  version: string;
  licence: string;
}

export interface InstalledPackage extends BundledPackage {
  /** Absolute. */
  folder: string;
}

const Manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });
const Metafile = z.object({ inputs: z.record(z.string(), z.unknown()) });

/** Bundles the program once more, for the list of files the bundler really took, and finds the packages they belong to. */
export async function bundledPackages(program: Program): Promise<InstalledPackage[]> {
  const built = await Bun.build({
    entrypoints: [join(REPOSITORY_ROOT, program.entry)],
    target: "bun",
    metafile: true,
  });
  const files = Object.keys(Metafile.parse(built.metafile).inputs);
  const folders = new Set(files.flatMap((file) => packageFolder(join(process.cwd(), file)) ?? []));
  const packages = await Promise.all([...folders].map(readManifest));
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The runtime, which every executable carries whole. */
export async function runtimePackage(): Promise<InstalledPackage> {
  const manifest = await readManifest(dirname(Bun.resolveSync("bun/package.json", REPOSITORY_ROOT)));
  return { ...manifest, version: Bun.version };
}

/** @returns the folder of the package the file is in, undefined for a file of our own */
export function packageFolder(file: string): string | undefined {
  const marker = `${sep}node_modules${sep}`;
  const at = file.lastIndexOf(marker);
  if (at < 0) return undefined;
  const parts = file.slice(at + marker.length).split(sep);
  return file.slice(0, at) + marker + parts.slice(0, parts[0]?.startsWith("@") ? 2 : 1).join(sep);
}

async function readManifest(folder: string): Promise<InstalledPackage> {
  const { name, version, license } = Manifest.parse(await Bun.file(join(folder, "package.json")).json());
  return { name, version, licence: license, folder };
}
