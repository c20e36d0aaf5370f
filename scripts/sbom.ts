import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "./build/compile.ts";
import { AGENT_IMAGE, ensureAgentImage } from "./image/agent-image.ts";
import { imageBom } from "./image/sbom/image-bom.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

const OUT_FILE = "dist/sbom-agent-image.json";

/** `make sbom`: copies the agent image's bill of materials (SPDX 2.3) out of the image, which is built first when needed. */
async function main([tag = AGENT_IMAGE]: readonly string[]): Promise<number> {
  const engine = await ensureEngine(say);
  if (engine.kind === "unavailable") {
    process.stderr.write(`sbom: ${engine.why}\n`);
    return 1;
  }
  await ensureAgentImage({ log: say, tag });
  mkdirSync(join(REPOSITORY_ROOT, "dist"), { recursive: true });
  await Bun.write(join(REPOSITORY_ROOT, OUT_FILE), await imageBom(tag));
  say(`Wrote ${OUT_FILE}.`);
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`sbom: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
);
