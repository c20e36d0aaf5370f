import { ensureRunnerImage } from "./image/runner-image.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

/** `bun scripts/runner-image.ts [--tag windshift/runner:local]`: builds the runner's image, or says that it is up to date. */
async function main(args: readonly string[]): Promise<number> {
  const [option, tag, ...rest] = args;
  if (rest.length > 0 || (option !== undefined && (option !== "--tag" || tag === undefined))) {
    process.stderr.write("usage: bun scripts/runner-image.ts [--tag windshift/runner:local]\n");
    return 2;
  }
  const engine = await ensureEngine(say);
  if (engine.kind === "unavailable") {
    process.stderr.write(`runner-image: ${engine.why}\n`);
    return 1;
  }
  await ensureRunnerImage({ log: say, ...(tag === undefined ? {} : { tag }) });
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`runner-image: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
);
