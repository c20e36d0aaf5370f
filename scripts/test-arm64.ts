import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { startInstalledProduct } from "../e2e/installed-product.ts";
import { REPOSITORY_ROOT } from "./build/compile.ts";
import { freshProgram } from "./build/fresh-program.ts";
import { AGENT_PROGRAM, hostArchitecture, PROGRAMS } from "./build/programs.ts";
import { ensureAgentImage } from "./image/agent-image.ts";
import { ensureForeignMachine } from "./image/foreign-machine.ts";
import { childEnv } from "./setup/child-env.ts";
import { ensureEngine } from "./setup/ensure-engine.ts";
import { ensurePackages } from "./setup/ensure-packages.ts";

/**
 * `npm run test:arm64`: everything that is built for arm64 is run, on a machine of another kind by QEMU: each program, the agent
 * image with its facts, and one run from assignment to draft pull request with server, runner, triage, container and agent of arm64.
 * Not part of `npm test`: making the base image takes some minutes, and the kernel has to be told about foreign programs (root).
 */
const ARCHITECTURE = "arm64";
const IMAGE = "windshift/agent:arm64";
/** Where Debian's cross packages keep the loader and libraries of arm64, and where programs look for them. */
const LIBRARIES = "/usr/aarch64-linux-gnu/lib";
const LINKS = [
  ["/lib/ld-linux-aarch64.so.1", `${LIBRARIES}/ld-linux-aarch64.so.1`],
  ["/lib/aarch64-linux-gnu", LIBRARIES],
] as const;
/** Emulated programs take ten times as long, ms. */
const VERSION_MS_MAX = 120_000;
const VERIFY_MS_MAX = 1_200_000;
const RUN_MS_MAX = 600_000;

const say = (line: string) => void process.stdout.write(`${line}\n`);
const engine = await ensureEngine(say);
if (engine.kind === "unavailable") fail(engine.why);
await ensureForeignMachine(ARCHITECTURE, say);
if (hostArchitecture() !== ARCHITECTURE) {
  const cross = await ensurePackages(
    [{ package: "libc6-arm64-cross", present: () => existsSync(`${LIBRARIES}/libc.so.6`) }],
    say,
  );
  if (cross.kind === "missing") fail(cross.why);
  for (const [link, target] of LINKS) if (!existsSync(link)) symlinkSync(target, link);
}
await programsStart();
await ensureAgentImage({ log: say, tag: IMAGE, architecture: ARCHITECTURE });
await imageHolds();
await runEnds();
process.exit(0);

/** Each program says its version; the agent has none and refuses to start without settings. */
async function programsStart(): Promise<void> {
  for (const program of PROGRAMS) {
    const file = await freshProgram(program, ARCHITECTURE, say);
    const result = await exec([file, "--version"], { env: childEnv(), timeoutMs: VERSION_MS_MAX });
    const expected = program === AGENT_PROGRAM ? [2, "LLM_BASE_URL"] : [0, `${program.name} `];
    const said = `${result.stdout}${result.stderr}`.trim();
    if (result.exitCode !== expected[0] || !said.includes(String(expected[1])))
      fail(`${program.name}: exit code ${result.exitCode}: ${said}`);
    say(`ok   ${program.folder ?? ""} ${program.name} of ${ARCHITECTURE} runs`.replace("  ", " "));
  }
}

async function imageHolds(): Promise<void> {
  const script = join(REPOSITORY_ROOT, "deploy/docker/verify-image.sh");
  const result = await exec(["sh", script, IMAGE], { env: childEnv(), timeoutMs: VERIFY_MS_MAX });
  process.stdout.write(result.stdout);
  if (result.exitCode !== 0) fail(`${IMAGE} does not hold what it promises ${result.stderr}`);
}

async function runEnds(): Promise<void> {
  const product = await startInstalledProduct("arm64", ARCHITECTURE);
  const folder = mkdtempSync(join(tmpdir(), "windshift-arm64-"));
  try {
    const minted = await product.mint("arm64");
    const item = await product.workspace.createItem(
      { title: "On arm64", description: "Make `sh test.sh` pass." },
      true,
    );
    const runner = Bun.spawn([join(REPOSITORY_ROOT, "dist", ARCHITECTURE, "windshift-runner")], {
      env: {
        ...childEnv(),
        WS_API_URL: `${product.baseUrl}/api`,
        WSRUNNER_ALLOW_INSECURE: "1",
        WSRUNNER_ONCE: "1",
        WSRUNNER_REGISTRATION_TOKEN: minted.token,
        WSRUNNER_NAME: "arm64",
        WSRUNNER_IMAGE: IMAGE,
        WSRUNNER_NETWORK: product.network.name,
        WSRUNNER_MEMORY: "4g",
        WSRUNNER_CACHE_ROOT: join(folder, "cache"),
      },
      stdin: "ignore",
      stdout: Bun.file(join(folder, "runner.log")),
      stderr: Bun.file(join(folder, "runner.log")),
    });
    const late = setTimeout(() => runner.kill("SIGKILL"), RUN_MS_MAX);
    const exitCode = await runner.exited;
    clearTimeout(late);
    const { runs } = await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
    const look = () => product.api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
    // The pull request is the server's work, which goes on when the runner has ended.
    const ended = () => look().then((run) => (run.ended_at === null ? undefined : run));
    const run = await eventually("the run has ended", ended, RUN_MS_MAX).catch(look);
    if (exitCode !== 0 || run.status !== "succeeded" || run.pull_request?.draft !== true)
      fail(
        `the run is ${run.status} (${run.reason}: ${run.detail}), the runner's exit code ${exitCode}\n${await Bun.file(join(folder, "runner.log")).text()}\n${await product.log()}`,
      );
    say(`ok   a run of ${ARCHITECTURE} ends with a draft pull request, number ${run.pull_request.number}`);
  } finally {
    await product.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function fail(why: string): never {
  process.stderr.write(`FAIL ${why}\n`);
  process.exit(1);
}
