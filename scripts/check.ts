import { resolve } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { driftProblems } from "./check-drift.ts";
import { importProblems } from "./check-imports.ts";
import { childEnv } from "./setup/child-env.ts";

/** npm run check: format and lint, types, imports, what nobody uses, drift. Only reads; `npm run fix` writes. Exit code 1 when one fails. */
interface Step {
  name: string;
  /** @returns what is wrong; empty when it holds */
  problems(): Promise<string>;
}

const ROOT = resolve(import.meta.dir, "..");
const TYPES = ".cache/types.tsbuildinfo";
const KNIP = ".cache/knip";
/** Each takes a few seconds on two cores; beside the tests, to which it gives way, a busy machine made five minutes of them. */
const TOOL_MS_MAX = 30 * 60_000;

const steps: Step[] = [
  {
    name: "format and lint",
    problems: () => tool("biome", "ci", "--colors=off", "--error-on-warnings", "."),
  },
  {
    name: "types",
    // What was found is kept, which halves the time of the next look.
    problems: () =>
      tool("tsc", "--pretty", "false", "--project", ".", "--incremental", "--tsBuildInfoFile", TYPES),
  },
  { name: "imports", problems: async () => importProblems(ROOT).join("\n") },
  {
    name: "dead code",
    // knip.json says where programs begin. What was parsed is kept: a second instead of six.
    problems: () => tool("knip", "--no-progress", "--no-config-hints", "--cache", "--cache-location", KNIP),
  },
  { name: "drift", problems: async () => (await driftProblems(ROOT)).join("\n") },
];

let failed = 0;
for (const { name, problems } of steps) {
  const startedMs = performance.now();
  const found = await problems();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(`${found === "" ? "ok    " : "FAILED"}  ${name} (${seconds} s)\n`);
  if (found === "") continue;
  failed++;
  process.stdout.write(`${found.replace(/^/gm, "  ")}\n`);
}
process.exit(failed > 0 ? 1 : 0);

async function tool(name: string, ...args: string[]): Promise<string> {
  const program = `${ROOT}/node_modules/.bin/${name}`;
  const { exitCode, stdout, stderr } = await exec([program, ...args], {
    cwd: ROOT,
    env: childEnv(),
    timeoutMs: TOOL_MS_MAX,
  });
  return exitCode === 0 ? "" : `${stdout}${stderr}`.trimEnd() || `${name} ended with exit code ${exitCode}`;
}
