import { ensureAgentImage } from "./image/agent-image.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

export { AGENT_IMAGE, ensureAgentImage } from "./image/agent-image.ts";

/** `bun scripts/image.ts [--tag windshift/agent:local]`: builds the agent image, or says that it is up to date. */
async function main(args: readonly string[]): Promise<number> {
  const [option, tag, ...rest] = args;
  if (rest.length > 0 || (option !== undefined && (option !== "--tag" || tag === undefined))) {
    process.stderr.write("usage: bun scripts/image.ts [--tag windshift/agent:local]\n");
    return 2;
  }
  const engine = await ensureEngine(say);
  if (engine.kind === "unavailable") {
    process.stderr.write(`image: ${engine.why}\n`);
    return 1;
  }
  await ensureAgentImage({ log: say, ...(tag === undefined ? {} : { tag }) });
  return 0;
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
