import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";

/** Everything the agent image is made from. Sources, not the executable: looking whether there is work must not cost a build. */
const AGENT_INPUTS = [
  "package.json",
  "apps/{agent,ws}/src/**/*.ts",
  "apps/agent/git-hooks/*",
  "packages/{base,contract}/src/**/*.ts",
  "scripts/build/*.ts",
  "scripts/image/{agent-image,base-image}.ts",
  "scripts/image/sbom/{bundled-packages,debian-licence,debian-packages,spdx}.ts",
  "deploy/docker/{Dockerfile,dpkg-excludes}",
];

/** SHA-256 over names and content of all inputs and the version of the runtime, hex. @param inputs patterns from the root */
export function contentHash(inputs: readonly string[] = AGENT_INPUTS): string {
  const hash = new Bun.CryptoHasher("sha256");
  hash.update(Bun.version);
  for (const pattern of inputs)
    for (const file of [...new Bun.Glob(pattern).scanSync({ cwd: REPOSITORY_ROOT })].sort()) {
      if (file.endsWith(".test.ts")) continue;
      hash.update(`\0${file}\0`);
      hash.update(readFileSync(join(REPOSITORY_ROOT, file)));
    }
  return hash.digest("hex");
}
