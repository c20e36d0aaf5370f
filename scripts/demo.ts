import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { formatDuration } from "@windshift/base/duration.ts";
import { AgentRunList } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { type Administrator, buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { showForgePull } from "./demo/forge-pull.ts";
import { showTranscript } from "./demo/live-transcript.ts";
import { prepareMachine } from "./demo/machine.ts";
import { startDemoModel } from "./demo/model.ts";
import { type DemoOptions, readDemoOptions } from "./demo/options.ts";
import { demoPort } from "./demo/port.ts";
import { showPullRequest, showTests } from "./demo/review.ts";
import { bold, dim, green, heading, red, say, step, yellow } from "./demo/terminal.ts";

/**
 * npm run demo [-- --keep] [--forge github]: a work item becomes a draft pull request on this machine, with real containers,
 * git and broker, on the server itself or on an emulated GitHub. Exit code 0 when it did. Each call has a data folder of its own, so it can be repeated and run twice at once.
 */
const ROOT = resolve(import.meta.dir, "..");
const CACHE = join(ROOT, ".cache");
/** A run that takes longer than this is stuck, ms; a real model may think for long. */
const RUN_MS_MAX = 20 * 60_000;

const parsed = readDemoOptions(process.argv.slice(2), process.env);
if (parsed.kind === "problems") {
  for (const problem of parsed.problems) process.stderr.write(`${problem}\n`);
  process.exit(2);
}
try {
  process.exit(await demo(parsed.options));
} catch (error) {
  say(red(`\nThe demo did not get through: ${error instanceof Error ? error.message : String(error)}`));
  process.exit(1);
}

async function demo(options: DemoOptions): Promise<number> {
  const startedMs = performance.now();
  heading("Windshift demo: assign a work item to a coding agent, get back a draft pull request");
  mkdirSync(CACHE, { recursive: true });
  const dataDir = mkdtempSync(join(CACHE, "demo-"));
  const endings: (() => Promise<void>)[] = [];
  const leave = async () => {
    for (const end of endings.splice(0).reverse()) await end();
    rmSync(dataDir, { recursive: true, force: true });
  };
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => void leave().finally(() => process.exit(code)));
  }
  let kept = false;
  try {
    const ok = await play(options, dataDir, endings);
    say(dim(`\nThe demo took ${formatDuration(performance.now() - startedMs)}.`));
    kept = ok && options.keep;
    return ok ? 0 : 1;
  } finally {
    if (!kept) await leave();
  }
}

async function play(
  options: DemoOptions,
  dataDir: string,
  endings: (() => Promise<void>)[],
): Promise<boolean> {
  const [scenario] = readScenarios(join(ROOT, "e2e/scenarios"));
  if (scenario === undefined) throw new Error("e2e/scenarios has no scenario");
  const machine = await prepareMachine(options, dataDir);
  const model = await startDemoModel(
    options,
    join(ROOT, "e2e/scenarios", scenario.name, "model.json"),
    join(dataDir, "model.log"),
  );
  endings.push(model.stop);
  const forge =
    options.forge === undefined
      ? undefined
      : await step("Starting an emulated GitHub (emulate) with real git behind it", () =>
          startGithubServer(),
        );
  if (forge !== undefined) endings.push(forge.stop);

  const port = await demoPort();
  const server = await step("Starting the server on its embedded database", () =>
    startServerProcess({
      port,
      logFile: join(dataDir, "server.log"),
      env: { ...serverEnv({ dataDir, port, containerHost: machine.containerHost }), ...machine.env },
    }),
  );
  endings.push(server.stop);
  const admin: Administrator = {
    name: "Demo Admin",
    email: "admin@demo.test",
    password: randomBytes(12).toString("base64url"),
  };
  const api = new ApiClient(server.url);
  const workspace = await step(
    "Creating a workspace, a repository with a failing test, an LLM connection and an agent",
    async () => {
      await setUpServer(api, admin);
      return buildWorkspace(api, {
        key: "DEMO",
        name: "Demo",
        projectDir: scenario.projectDir,
        repositoryName: "slugify",
        agentName: "Coding Agent",
        forge,
        llm: model,
      });
    },
  );
  const item = await workspace.createItem(scenario.scenario.item, false);
  heading(`${item.key}: ${item.title}`);
  say(dim(item.description.replaceAll(/^/gm, "  ")));
  await workspace.assign(item.key);
  say(`${green("✓")} Assigned to ${bold("Coding Agent")}. Live transcript:\n`);

  const { runs } = await api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
  const [first] = runs;
  if (first === undefined) throw new Error("the assignment started no run");
  const run = await showTranscript(api, first.id, AbortSignal.timeout(RUN_MS_MAX));
  const { links } = await api.get(`/api/v1/items/${item.key}`, WorkItemDetail);
  const link = links.find((candidate) => candidate.kind === "pull_request");
  if (run.status !== "succeeded" || link === undefined) {
    say(red(`\nRun ${run.id} ended as ${run.status} (${run.reason ?? "no reason"}). ${run.detail ?? ""}`));
    say(dim(await server.logTail()));
    return false;
  }
  const pull = await showPullRequest(api, run.pull_request?.id ?? 0);
  await showTests(machine, workspace.repository.path, dataDir, pull);
  if (forge !== undefined) await showForgePull(forge, pull.number);
  heading("Where to look");
  say(`  Pull request  ${bold(link.url)}`);
  say(`  Work item     ${bold(`${server.url}/items/${item.key}`)}`);
  if (options.model === undefined)
    say(yellow("  The model was scripted: its replies were written in advance; all else was real."));
  if (run.isolation === "unsandboxed") say(red("  The agent ran without a container: unsafe."));
  if (options.keep && forge !== undefined) say(dim("  The emulated GitHub ends with the demo."));
  if (options.keep) {
    say(`  Sign in as    ${bold(admin.email)} with the password ${bold(admin.password)}`);
    say(
      dim(
        `  The server stays up (log ${join(dataDir, "server.log")}). To stop it: kill ${[server.pid, model.pid].filter(Boolean).join(" ")}`,
      ),
    );
  } else say(dim("  The server ends now; `npm run demo -- --keep` leaves it up."));
  return true;
}
