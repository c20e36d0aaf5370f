import { truncateBytes } from "@windshift/base/truncate.ts";
import type { NotStarted, SandboxSpec } from "./sandbox.ts";

/** What the answers below name. */
export type FailedSpec = Pick<SandboxSpec, "image" | "network" | "workspace">;

/** How much of the engine's own words is shown, bytes. */
const ENGINE_TEXT_BYTES_MAX = 1_000;

type Answer = (spec: FailedSpec, message: string) => NotStarted;

/** Words of Docker and Podman, and the answer to each. The first that matches wins. */
const ANSWERS: readonly (readonly [RegExp, Answer])[] = [
  [/cannot be started$/, () => engine("the container engine's command line was not found", INSTALL)],
  [/permission denied.*(?:sock|daemon)|(?:sock|daemon).*permission denied/is, () => engine(DENIED, GROUP)],
  [/no answer within/, (_, message) => engine(message, "Check the engine: docker info must answer at once.")],
  [
    /cannot connect to|is the docker daemon running|error during connect|unable to connect to podman/i,
    (_, message) => engine("the container engine cannot be reached", `${START} It said: ${quote(message)}`),
  ],
  [
    /network \S+ not found|no such network|unable to find network|network not found/i,
    (spec) => networkMissing(spec.network),
  ],
  [
    /no such image|image not known|pull access denied|manifest unknown/i,
    (spec, m) => imageMissing(spec.image, m),
  ],
  [
    /bind source path does not exist|statfs .*no such file|invalid mount config/i,
    (spec) => bindMissing(spec),
  ],
];

const INSTALL =
  "Install Docker or Podman, or name the program in CODING_AGENT_DOCKER_BINARY (server) or WSRUNNER_DOCKER (runner).";
const DENIED = "permission denied talking to the container engine";
const GROUP =
  "The process that starts agent containers (the Windshift server, or the runner or its container) must be able to access the Docker daemon: add its user to the docker group, or mount the engine's socket.";
const START =
  "Start the Docker daemon on the host that runs agents, or mount its socket into the container that Windshift or the runner runs in.";

/** Turns what the engine said into the reason and the answer a person can act on. */
export function notStarted(message: string, spec: FailedSpec): NotStarted {
  for (const [words, answer] of ANSWERS) if (words.test(message)) return answer(spec, message);
  return engine("the container engine refused to start the container", `It said: ${quote(message)}`);
}

/** @param message the engine's own words; a part of them is shown */
export function imageMissing(image: string, message: string): NotStarted {
  return {
    kind: "not_started",
    reason: "image",
    detail:
      `the agent image ${image} is not on this host and could not be pulled. Try: docker pull ${image}. ` +
      "Check CODING_AGENT_RUNNER_IMAGE (server) or WSRUNNER_IMAGE (runner), and that the Docker daemon that starts jobs can pull it. " +
      `The engine said: ${quote(message)}`,
  };
}

/** With the command that makes the network, and the open alternative. */
export function networkMissing(network: string): NotStarted {
  return {
    kind: "not_started",
    reason: "network",
    detail:
      `the container network ${network} does not exist. Create it: docker network create ${network}. ` +
      "Then apply your own egress rules; or set CODING_AGENT_NETWORK=bridge (server) or WSRUNNER_NETWORK=bridge (runner) " +
      "to use the engine's open default network instead.",
  };
}

function bindMissing(spec: FailedSpec): NotStarted {
  return {
    kind: "not_started",
    reason: "worktree",
    detail:
      `the container engine does not see the folder ${spec.workspace.dir}. When Windshift or the runner is itself in a container, ` +
      "the worktree folder (CODING_AGENT_WORKTREE_ROOT, or WSRUNNER_CACHE_ROOT) must be mounted at the same absolute path on the host.",
  };
}

function engine(what: string, answer: string): NotStarted {
  return { kind: "not_started", reason: "engine", detail: `${what}. ${answer}` };
}

function quote(message: string): string {
  return truncateBytes(message.replace(/\s+/g, " ").trim(), ENGINE_TEXT_BYTES_MAX);
}
