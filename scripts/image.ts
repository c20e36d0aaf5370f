import { parseArgs } from "node:util";
import { ARCHITECTURES, type Architecture, hostArchitecture } from "./build/programs.ts";
import { ensureAgentImage } from "./image/agent-image.ts";
import { ensureForeignMachine } from "./image/foreign-machine.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

export { AGENT_IMAGE, ensureAgentImage } from "./image/agent-image.ts";

const USAGE = "usage: bun scripts/image.ts [--tag windshift/agent:local] [--architecture amd64|arm64]\n";

/** `bun scripts/image.ts`: builds the agent image, or says that it is up to date. Another machine's takes minutes: it is emulated. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const engine = await ensureEngine(say);
  if (engine.kind === "unavailable") {
    process.stderr.write(`image: ${engine.why}\n`);
    return 1;
  }
  const { tag, architecture = hostArchitecture() } = options;
  await ensureForeignMachine(architecture, say);
  await ensureAgentImage({ log: say, architecture, ...(tag === undefined ? {} : { tag }) });
  return 0;
}

function readOptions(args: readonly string[]): { tag?: string; architecture?: Architecture } | undefined {
  try {
    const options = { tag: { type: "string" }, architecture: { type: "string" } } as const;
    const { tag, architecture } = parseArgs({ args: [...args], options }).values;
    const known = ARCHITECTURES.find((one) => one === architecture);
    if (architecture !== undefined && known === undefined) return undefined;
    return { ...(tag === undefined ? {} : { tag }), ...(known === undefined ? {} : { architecture: known }) };
  } catch {
    return undefined;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (import.meta.main)
  process.exit(
    await main(process.argv.slice(2)).catch((error: unknown) => {
      process.stderr.write(`image: ${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    }),
  );
