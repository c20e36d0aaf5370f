import { ensureProgramImage, PROGRAM_IMAGES } from "./image/program-images.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

/** `bun scripts/program-image.ts runner|server [--tag NAME]`: builds the image of a program, or says that it is up to date. */
async function main(args: readonly string[]): Promise<number> {
  const [name, option, tag, ...rest] = args;
  const image = name === "runner" || name === "server" ? PROGRAM_IMAGES[name] : undefined;
  if (
    image === undefined ||
    rest.length > 0 ||
    (option !== undefined && (option !== "--tag" || tag === undefined))
  ) {
    process.stderr.write("usage: bun scripts/program-image.ts runner|server [--tag NAME]\n");
    return 2;
  }
  const engine = await ensureEngine(say);
  if (engine.kind === "unavailable") {
    process.stderr.write(`${name}-image: ${engine.why}\n`);
    return 1;
  }
  await ensureProgramImage(image, { log: say, ...(tag === undefined ? {} : { tag }) });
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`program-image: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
);
