import { type Check, failed, passed, warned } from "@windshift/execution/check.ts";
import type { CheckStep } from "@windshift/execution/check-steps.ts";
import type { DockerChecks } from "@windshift/execution/docker-checks.ts";
import { checkAgentPrograms, checkTriage } from "@windshift/execution/program-checks.ts";
import { worktreeProblem } from "@windshift/execution/worktree.ts";
import type { ServerSettings } from "../config.ts";
import { engineChecks } from "../runners/engine-checks.ts";
import { checkApi } from "./api-check.ts";
import { checkDatabase, checkDataFolder, checkSecretKey } from "./store-checks.ts";

export interface DoctorOptions {
  settings: ServerSettings;
  /** Folder of the per-run checkouts, absolute. */
  worktreeRoot: string;
  /** API address that containers are given. */
  apiUrl: string;
  /** What is wrong with that address as it stands, if anything. */
  apiWarning: string | undefined;
  /** How windshift-triage is started. */
  triage: readonly string[];
  /** PATH of the programs that the server starts. */
  path: string;
  /** The environment, for the container engine's command line. */
  env: Record<string, string | undefined>;
}

/** What a run needs, in the order in which one thing builds on another. */
export function stepsOf(options: DoctorOptions): CheckStep[] {
  return [
    ...serverSteps(options),
    ...(options.settings.sandbox === "unsandboxed" ? processSteps(options) : containerSteps(options)),
  ];
}

function serverSteps({ settings, worktreeRoot, triage, path }: DoctorOptions): CheckStep[] {
  const inFolder = settings.databaseUrl === undefined ? ["data folder"] : [];
  return [
    { name: "settings", needs: [], look: () => passed("settings", `people reach ${settings.baseUrl}`) },
    { name: "data folder", needs: [], look: () => checkDataFolder(settings) },
    { name: "database", needs: inFolder, look: () => checkDatabase(settings) },
    { name: "secret key", needs: ["data folder", "database"], look: () => checkSecretKey(settings) },
    { name: "windshift-triage", needs: [], look: () => checkTriage(triage, path, "WINDSHIFT_TRIAGE_BIN") },
    { name: "worktree root", needs: [], look: () => checkWorktreeRoot(worktreeRoot) },
  ];
}

function containerSteps({ settings, worktreeRoot, apiUrl, apiWarning, env }: DoctorOptions): CheckStep[] {
  const checks = engineChecks({ settings, worktreeRoot, env, instance: "doctor" });
  const container = ["image", "network", "worktree root"];
  return [
    { name: "runner image", needs: [], look: () => checkImageSetting(settings) },
    { name: "engine", needs: [], look: () => checkEngine(checks) },
    { name: "network", needs: ["engine"], look: () => checks.network() },
    { name: "image", needs: ["runner image", "engine"], look: () => checks.image() },
    { name: "worktree", needs: container, look: () => checks.worktree() },
    { name: "api address", needs: [], look: () => addressOf(apiUrl, apiWarning) },
    { name: "api", needs: [...container, "worktree"], look: () => checkApi(checks, apiUrl, settings) },
  ];
}

/** An engine that answers is asked whose user ids its containers have, and what it can limit. */
async function checkEngine(checks: DockerChecks): Promise<Check[]> {
  const engine = await checks.engine();
  if (engine.state === "failed") return [engine];
  return [engine, await checks.userIds(process.getuid?.() === 0), await checks.limits()];
}

function processSteps({ path }: DoctorOptions): CheckStep[] {
  const unsafe = "agents run as plain processes with the rights of this server. Use it for trusted work only";
  return [
    { name: "sandbox", needs: [], look: () => warned("sandbox", unsafe) },
    { name: "agent programs", needs: [], look: () => checkAgentPrograms(path) },
  ];
}

async function checkWorktreeRoot(dir: string): Promise<Check> {
  const problem = await worktreeProblem(dir);
  return problem === undefined ? passed("worktree root", dir) : failed("worktree root", problem);
}

function checkImageSetting({ runnerImage }: ServerSettings): Check {
  if (runnerImage !== undefined) return passed("runner image", runnerImage);
  return failed(
    "runner image",
    "CODING_AGENT_RUNNER_IMAGE is not set, so runs are queued and never start. Set it to the agent image, such as windshift/agent:local (made by make image), and restart the server.",
  );
}

function addressOf(apiUrl: string, warning: string | undefined): Check {
  return warning === undefined ? passed("api address", apiUrl) : warned("api address", warning);
}
