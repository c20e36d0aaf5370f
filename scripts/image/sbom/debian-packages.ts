import { z } from "zod";
import { docker } from "../docker.ts";
import { licenceExpression } from "./debian-licence.ts";

/** A package of Debian as the image's own database has it. */
export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
  source: string;
  maintainer: string;
  homepage: string;
  /** An SPDX expression, null when Debian's copyright file does not give one a program can read. */
  licence: string | null;
  /** The names in the copyright file, as Debian writes them. */
  licenceNames: string[];
}

/** Looking into an image takes a second, of a machine that is emulated a minute or more, ms. */
const READ_MS_MAX = 900_000;

/** One line a package; then one for each license a copyright file of the agreed format names. */
const SCRIPT = [
  `dpkg-query --show --showformat 'P\\t\${Package}\\t\${Version}\\t\${Architecture}\\t\${source:Package}\\t\${Maintainer}\\t\${Homepage}\\n'`,
  "cd /usr/share/doc",
  `for file in */copyright; do
    [ -f "$file" ] && head -n 1 "$file" | grep -q '^Format:' || continue
    sed -n 's/^License: *\\(..*\\)$/\\1/p' "$file" | sort -u | while read -r name; do printf 'L\\t%s\\t%s\\n' "\${file%/copyright}" "$name"; done
  done`,
].join("; ");

const PackageFields = z.tuple([
  z.literal("P"),
  z.string().min(1),
  z.string().min(1),
  z.string().min(1),
  z.string(),
  z.string(),
  z.string(),
]);
const LicenceFields = z.tuple([z.literal("L"), z.string().min(1), z.string().min(1)]);

/**
 * Reads what is installed in an image, sorted by name.
 * @throws Error when the image cannot be looked into
 */
export async function readDebianPackages(image: string): Promise<DebianPackage[]> {
  const args = ["run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-euc", SCRIPT];
  const result = await docker(args, { timeoutMs: READ_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`cannot read the packages of ${image}: ${result.stderr.trim()}`);
  return parseDebianPackages(result.stdout);
}

/** @param listing what `SCRIPT` prints */
export function parseDebianPackages(listing: string): DebianPackage[] {
  const rows = listing
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  const licences = new Map<string, string[]>();
  for (const row of rows.filter(([kind]) => kind === "L")) {
    const [, name, licence] = LicenceFields.parse(row);
    licences.set(name, [...(licences.get(name) ?? []), licence]);
  }
  return rows
    .filter(([kind]) => kind === "P")
    .map((row) => {
      const [, name, version, architecture, source, maintainer, homepage] = PackageFields.parse(row);
      const licenceNames = licences.get(name) ?? [];
      const licence = licenceExpression(licenceNames);
      return { name, version, architecture, source, maintainer, homepage, licence, licenceNames };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
