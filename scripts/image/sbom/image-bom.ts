import { docker } from "../docker.ts";

const BOM_PATH = "/usr/local/share/windshift/sbom.spdx.json";
const READ_MS_MAX = 60_000;

/** The bill of materials an agent image carries, as it is written. @throws Error when the image has none */
export async function imageBom(tag: string): Promise<string> {
  const args = ["run", "--rm", "--network", "none", "--entrypoint", "cat", tag, BOM_PATH];
  const result = await docker(args, { timeoutMs: READ_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`${tag} has no bill of materials: ${result.stderr.trim()}`);
  return result.stdout;
}
