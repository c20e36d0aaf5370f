import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildBundle, packBundle } from "./build-bundle.ts";

/**
 * `bun apps/web/bundle/main.ts [best]`: bundles the web app unless that was done for these very sources, and prints the path of the
 * bundle.
 */
/** `best`: compressed as a program is shipped, once for all who load it. Otherwise quickly, for who works on it. */
const BEST = process.argv[2] === "best";
const ROOT = join(import.meta.dir, "../../..");

async function main(): Promise<void> {
  const file = join(ROOT, ".cache/web", `${sourceHash()}${BEST ? "-best" : ""}.bundle`);
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    const half = `${file}.${process.pid}`;
    writeFileSync(half, packBundle(await buildBundle(BEST ? 11 : 5)));
    // In one step: several servers may start at once.
    renameSync(half, file);
  }
  process.stdout.write(`${file}\n`);
}

/** Of everything the bundle is made from: the app, the contract it shares with the server, and what is installed. */
function sourceHash(): string {
  const hash = createHash("sha256");
  const files = ["apps/web/{src,public,bundle}/**/*", "packages/contract/src/**/*.ts"].flatMap((pattern) => [
    ...new Bun.Glob(pattern).scanSync({ cwd: ROOT }),
  ]);
  for (const path of ["package-lock.json", ...files.sort()]) {
    if (path.includes(".test.")) continue;
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(ROOT, path)));
  }
  return hash.digest("hex").slice(0, 24);
}

await main();
