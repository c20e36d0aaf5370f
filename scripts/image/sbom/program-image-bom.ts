import { thirdParty } from "../../release/third-party.ts";
import type { ProgramImage } from "../program-images.ts";
import { readDebianPackages } from "./debian-packages.ts";
import { spdxDocument } from "./spdx.ts";

/**
 * The bill of materials (SPDX 2.3, JSON) of an image that carries programs of ours: Debian's packages, each program, the runtime and what
 * was bundled into them, those for other hosts included. Needs a running engine.
 * @param tag of the built image
 */
export async function programImageBom(image: ProgramImage, tag: string, version: string): Promise<string> {
  const { packages } = await thirdParty([...image.programs, ...image.forHosts]);
  const [runtime, ...bundled] = packages;
  if (runtime === undefined) throw new Error("the programs have no runtime");
  const names = new Set([...image.programs, ...image.forHosts].map(({ name }) => name));
  const document = spdxDocument({
    image: tag,
    version,
    created: new Date(),
    debian: await readDebianPackages(tag),
    runtime,
    bundled,
    programs: [...names],
  });
  return `${JSON.stringify(document, null, 1)}\n`;
}
