import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatDuration } from "@windshift/base/duration.ts";
import { compileProgram, REPOSITORY_ROOT } from "./build/compile.ts";
import { ARCHITECTURES, type Architecture, PROGRAMS } from "./build/programs.ts";

/** `npm run build [-- amd64|arm64 …]`: every program as one file, in dist/<architecture>/. */
async function main(args: readonly string[]): Promise<number> {
  const known = Object.keys(ARCHITECTURES) as Architecture[];
  const unknown = args.filter((arg) => !known.some((arch) => arch === arg));
  if (unknown.length > 0) {
    process.stderr.write(
      `build: unknown architecture ${unknown.join(", ")}; there are ${known.join(", ")}\n`,
    );
    return 2;
  }
  for (const arch of known.filter((name) => args.length === 0 || args.includes(name)))
    for (const program of PROGRAMS) {
      if (!existsSync(join(REPOSITORY_ROOT, program.entry))) {
        say(`${arch} ${program.name}: skipped, ${program.entry} does not exist yet`);
        continue;
      }
      const startedMs = performance.now();
      const file = await compileProgram(program, arch, join(REPOSITORY_ROOT, "dist", arch));
      const size = `${Math.round(statSync(file).size / 1e6)} MB`;
      say(`${arch} ${program.name}: ${size}, ${formatDuration(performance.now() - startedMs)}`);
    }
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
);
