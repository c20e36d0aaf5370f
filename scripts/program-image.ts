import { resolve } from "node:path";
import { ensureProgramImage, fillImageContext, PROGRAM_IMAGES } from "./image/program-images.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

const USAGE = `usage: bun scripts/program-image.ts runner|server [--tag NAME]
       bun scripts/program-image.ts runner|server --context FOLDER
`;

/**
 * `bun scripts/program-image.ts runner|server [--tag NAME]`: builds the image of a program, or says that it is up to date. With
 * `--context` it makes the folder that both architectures are built from by `docker buildx`, and needs no engine.
 */
async function main(args: readonly string[]): Promise<number> {
  const [name, option, value, ...rest] = args;
  const image = name === "runner" || name === "server" ? PROGRAM_IMAGES[name] : undefined;
  const known = option === undefined || option === "--tag" || option === "--context";
  if (image === undefined || rest.length > 0 || !known || (option !== undefined && value === undefined)) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (option === "--context" && value !== undefined) {
    await fillImageContext(image, resolve(value), ["amd64", "arm64"], say);
    say(`docker buildx build --platform linux/amd64,linux/arm64 --tag ${image.tag} ${value}`);
    return 0;
  }
  const engine = await ensureEngine(say);
  if (engine.kind === "unavailable") {
    process.stderr.write(`${name}-image: ${engine.why}\n`);
    return 1;
  }
  await ensureProgramImage(image, { log: say, ...(value === undefined ? {} : { tag: value }) });
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
