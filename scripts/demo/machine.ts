import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { ensureAgentImage } from "../image.ts";
import { ensureEngine } from "../setup/ensure-engine.ts";
import { ensurePackages, program } from "../setup/ensure-packages.ts";
import type { DemoOptions } from "./options.ts";
import { aside, red, say, step } from "./terminal.ts";

/** How agents run in this demo, as settings of the server. */
export interface DemoMachine {
  env: Record<string, string>;
  /** Address under which agents find this machine. */
  containerHost: string;
  /** The engine and image to run the project's tests in; undefined without containers. */
  engine: { cli: string; image: string } | undefined;
}

/** The default network of agent containers. Source: INTERFACES section 1. */
const NETWORK = "coding-agent-egress";
const ROOT = join(import.meta.dir, "../..");

/**
 * Installs and starts what is missing: git, a container engine, the agent image, its network. Where no container can run,
 * the scripted demo goes on without one, loudly; with a real model only when it is permitted.
 * @throws Error with what to do
 */
export async function prepareMachine(options: DemoOptions, dataDir: string): Promise<DemoMachine> {
  const git = await ensurePackages([program("git")], aside);
  if (git.kind === "missing") throw new Error(git.why);
  const engine = await step("Looking for a container engine", () => ensureEngine(aside));
  if (engine.kind === "unavailable") return withoutContainers(options, dataDir, engine.why);
  process.env.CODING_AGENT_DOCKER_BINARY = engine.cli;
  const image = await step("Building the agent image (skipped when nothing changed)", () =>
    ensureAgentImage({ log: aside }),
  );
  const network = await ensureAgentNetwork(NETWORK, process.env);
  if (engine.started !== null) aside(`dockerd was started for this; to stop it: ${engine.started.howToStop}`);
  return {
    env: {
      CODING_AGENT_RUNNER_IMAGE: image,
      CODING_AGENT_NETWORK: network.name,
      CODING_AGENT_DOCKER_BINARY: engine.cli,
    },
    containerHost: network.hostAddress,
    engine: { cli: engine.cli, image },
  };
}

async function withoutContainers(options: DemoOptions, dataDir: string, why: string): Promise<DemoMachine> {
  if (options.model !== undefined && !options.allowUnsandboxed) {
    throw new Error(
      `No container can run here: ${why}\nA real model is not let loose without one. Mend that, unset DEMO_LLM_BASE_URL to play the scripted model, ` +
        "or set WSRUNNER_ALLOW_UNSANDBOXED=1 if the agent may do whatever you may on this machine.",
    );
  }
  say(red("!! UNSAFE: no container can run on this machine."));
  say(red(`!! ${why}`));
  say(
    red(
      "!! The agent runs as a plain process with your rights. Fine for this scripted model, never for untrusted work.",
    ),
  );
  const bin = join(dataDir, "bin");
  await writeShims(bin);
  return {
    env: {
      WINDSHIFT_SANDBOX: "unsandboxed",
      WSRUNNER_ALLOW_UNSANDBOXED: "1",
      PATH: `${bin}:${process.env.PATH ?? ""}`,
    },
    containerHost: "127.0.0.1",
    engine: undefined,
  };
}

/** The agent's programs, run from the source tree; a checkout's .env and bunfig.toml are not theirs to read. */
async function writeShims(bin: string): Promise<void> {
  await mkdir(bin, { recursive: true });
  for (const [name, main] of [
    ["windshift-agent", "apps/agent/src/main.ts"],
    ["ws", "apps/ws/src/main.ts"],
  ] as const) {
    const file = join(bin, name);
    await writeFile(
      file,
      `#!/bin/sh\nexec '${process.execPath}' --no-env-file --config=/dev/null '${join(ROOT, main)}' "$@"\n`,
    );
    await chmod(file, 0o755);
  }
}
