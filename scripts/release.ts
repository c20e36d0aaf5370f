import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import manifest from "../package.json" with { type: "json" };
import { REPOSITORY_ROOT } from "./build/compile.ts";
import { PROGRAMS, programsFor, TARGET_NAMES, type Target } from "./build/programs.ts";
import { programsDocument } from "./image/sbom/spdx.ts";
import { CHECKSUMS, writeChecksums } from "./release/archive.ts";
import { makeImages } from "./release/release-images.ts";
import { makeDeployArchive, makeTargetArchive } from "./release/target-archive.ts";
import { type ThirdParty, thirdParty } from "./release/third-party.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";

const USAGE = `usage: bun scripts/release.ts [--no-images] [${TARGET_NAMES.join("|")} …]
`;
const GIT_MS_MAX = 30_000;

/** `npm run release`: everything of one version in dist/release/, with licenses, bills of materials and SHA256SUMS. */
async function main(args: readonly string[]): Promise<number> {
  const images = !args.includes("--no-images");
  const named = args.filter((arg) => arg !== "--no-images");
  const unknown = named.filter((arg) => !TARGET_NAMES.some((target) => target === arg));
  if (unknown.length > 0) {
    process.stderr.write(`release: unknown target ${unknown.join(", ")}\n${USAGE}`);
    return 2;
  }
  const targets = TARGET_NAMES.filter((target) => named.length === 0 || named.includes(target));
  const engine = images ? await ensureEngine(say) : undefined;
  if (engine?.kind === "unavailable") {
    process.stderr.write(`release: ${engine.why}\nWith --no-images a release is made without them.\n`);
    return 1;
  }
  const { version } = manifest;
  const outDir = join(REPOSITORY_ROOT, "dist/release");
  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const epochS = await commitTime();
  const others = await thirdParty(PROGRAMS);
  await makeArchives({ targets, version, epochS, outDir, others });
  if (images) await makeImages({ version, outDir, log: say });
  await writeChecksums(outDir);
  for (const name of (await readdir(outDir)).toSorted()) say(`dist/release/${name}`);
  say(`Check them with: cd dist/release && sha256sum --check ${CHECKSUMS}`);
  return 0;
}

async function makeArchives(parts: {
  targets: readonly Target[];
  version: string;
  epochS: number;
  outDir: string;
  others: ThirdParty;
}): Promise<void> {
  const { targets, version, epochS, outDir, others } = parts;
  const { notice, packages } = others;
  for (const target of targets)
    await makeTargetArchive({
      target,
      programs: programsFor(target),
      version,
      notice,
      epochS,
      outDir,
      log: say,
    });
  await makeDeployArchive({ version, epochS, outDir });
  const name = `windshift-${version}`;
  const bom = programsDocument({
    name,
    version,
    created: new Date(epochS * 1_000),
    namespace: `urn:windshift:release:${version}:${epochS}`,
    programs: PROGRAMS.map((program) => program.name),
    packages,
  });
  await Bun.write(join(outDir, `${name}.spdx.json`), `${JSON.stringify(bom, null, 1)}\n`);
}

/** Date of the commit that is released, so that the same commit makes the same dates; SOURCE_DATE_EPOCH says otherwise. */
async function commitTime(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) {
    if (!/^\d{1,12}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is ${given}; write seconds since 1970`);
    return Number(given);
  }
  const result = await git(["log", "-1", "--format=%ct"], { cwd: REPOSITORY_ROOT, timeoutMs: GIT_MS_MAX });
  if (result.exitCode !== 0)
    throw new Error("this is no git checkout: set SOURCE_DATE_EPOCH to the date of the release");
  return Number(result.stdout.trim());
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`release: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
);
