import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatDuration } from "@windshift/base/duration.ts";
import { compileProgram, REPOSITORY_ROOT } from "./build/compile.ts";
import { programsFor, TARGET_NAMES } from "./build/programs.ts";

/**
 * `npm run build [-- amd64|arm64|amd64-musl|arm64-musl …]`: every program as one file, in dist/<target>/; all targets when
 * none is named.
 */
async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => !TARGET_NAMES.some((target) => target === arg));
  if (unknown.length > 0) {
    process.stderr.write(
      `build: unknown target ${unknown.join(", ")}; there are ${TARGET_NAMES.join(", ")}\n`,
    );
    return 2;
  }
  const chosen = TARGET_NAMES.filter((target) => args.length === 0 || args.includes(target));
  const work = chosen.flatMap((target) => programsFor(target).map((program) => ({ target, program })));
  for (const [index, { target, program }] of work.entries()) {
    const folder = join("dist", target, program.folder ?? "");
    const name = `${index + 1}/${work.length}  ${folder}/`.replace(/\/+$/, "/");
    if (!existsSync(join(REPOSITORY_ROOT, program.entry))) {
      say(`${name} ${program.name}: skipped, ${program.entry} does not exist yet`);
      continue;
    }
    const startedMs = performance.now();
    const file = await compileProgram(program, target, join(REPOSITORY_ROOT, folder));
    const size = `${(statSync(file).size / 1e6).toFixed(1)} MB`;
    const names = [program.name, ...program.aliases].join(", ");
    const took = formatDuration(performance.now() - startedMs);
    say(`${name} ${names}: ${size}, ${took}`);
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
