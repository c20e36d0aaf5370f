import { buildVersion } from "@windshift/base/build-version.ts";
import { type Check, passed, warned } from "@windshift/execution/check.ts";
import type { CheckStep } from "@windshift/execution/check-steps.ts";
import { checkAgentPrograms, checkTriage, checkTriageVersion } from "@windshift/execution/program-checks.ts";
import type { RunnerSettings } from "../config.ts";
import { engineChecks, isRoot } from "../engine.ts";
import { checkCredential, checkCredentialFile } from "./credential-checks.ts";
import { checkDisk, checkFolders } from "./disk-checks.ts";
import { checkAddress, checkApi, checkClock, checkTransport, type ServerAnswer } from "./server-checks.ts";

export interface DoctorOptions {
  settings: RunnerSettings;
  /** How windshift-triage is started. */
  triage: readonly string[];
  /** PATH of the programs that the runner starts. */
  path: string;
  /** The environment, for the container engine's command line. */
  env: Record<string, string | undefined>;
}

/** What a run on this host needs, in the order in which one thing builds on another. */
export function stepsOf(options: DoctorOptions): CheckStep[] {
  return [
    ...serverSteps(options),
    ...hostSteps(options),
    ...(options.settings.sandbox === "unsandboxed" ? processSteps(options) : containerSteps(options)),
  ];
}

function serverSteps({ settings }: DoctorOptions): CheckStep[] {
  const { apiUrl } = settings;
  let answer: ServerAnswer | undefined;
  const heard = (said: ServerAnswer) => {
    answer = said;
  };
  return [
    {
      name: "settings",
      needs: [],
      look: () => passed("settings", `${settings.name} works for ${apiUrl}`),
    },
    { name: "address", needs: [], look: () => checkAddress(apiUrl) },
    { name: "https", needs: ["address"], look: () => checkTransport(apiUrl) },
    { name: "api", needs: ["address", "https"], look: () => checkApi(apiUrl, heard) },
    { name: "clock", needs: ["api"], look: () => (answer === undefined ? [] : checkClock(answer)) },
    { name: "credential file", needs: [], look: () => checkCredentialFile(settings) },
    { name: "credential", needs: ["api", "credential file"], look: () => checkCredential(settings) },
  ];
}

function hostSteps({ settings, triage, path }: DoctorOptions): CheckStep[] {
  return [
    { name: "cache root", needs: [], look: () => checkFolders(settings) },
    { name: "disk", needs: ["cache root"], look: () => checkDisk(settings) },
    {
      name: "windshift-triage",
      needs: [],
      look: () => checkTriage(triage, path, "WSRUNNER_TRIAGE_BIN"),
    },
    {
      name: "windshift-triage version",
      needs: ["windshift-triage"],
      look: () => checkTriageVersion(triage, path, buildVersion),
    },
  ];
}

function containerSteps({ settings, env }: DoctorOptions): CheckStep[] {
  const checks = engineChecks(settings, env);
  const container = ["image", "network", "cache root", "user ids"];
  return [
    { name: "engine", needs: [], look: () => checks.engine() },
    { name: "user ids", needs: ["engine"], look: () => checks.userIds(isRoot()) },
    { name: "limits", needs: ["engine"], look: () => checks.limits() },
    { name: "network", needs: ["engine"], look: () => checks.network() },
    { name: "image", needs: ["engine"], look: () => checks.image() },
    { name: "worktree", needs: container, look: () => checks.worktree() },
    {
      name: "sandbox",
      needs: ["worktree"],
      look: async () => renamed("sandbox", await checks.api(settings.apiUrl)),
    },
  ];
}

/** The server's own `api` is another check here. */
function renamed(name: string, check: Check): Check {
  return { ...check, name };
}

function processSteps({ path }: DoctorOptions): CheckStep[] {
  const unsafe = "agents run as plain processes with the rights of this runner. Use it for trusted work only";
  return [
    { name: "sandbox", needs: [], look: () => warned("sandbox", unsafe) },
    { name: "agent programs", needs: [], look: () => checkAgentPrograms(path) },
  ];
}
