import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Check, failed, passed, warned } from "./check.ts";
import { createArgv, type DockerLimits } from "./docker-argv.ts";
import { type DockerAnswer, DockerCli, type DockerCliOptions } from "./docker-cli.ts";
import { findEngineTraits } from "./docker-engine.ts";
import { networkMissing, notStarted } from "./docker-errors.ts";
import { ensureImage } from "./docker-image.ts";
import { parseEngine, saysMissing } from "./docker-inspect.ts";
import { type EngineLimits, findEngineLimits } from "./docker-limits.ts";
import { findUserIds, type UserIds } from "./docker-users.ts";
import { describeEngine, EngineVersion, engineFloorWarning } from "./engine-floors.ts";
import type { SandboxSpec } from "./sandbox.ts";
import { INSTANCE_LABEL, ROLE_LABEL } from "./sandbox-labels.ts";
import { worktreeProblem } from "./worktree.ts";

export interface DockerChecksOptions extends DockerCliOptions {
  limits: DockerLimits;
  image: string;
  network: string;
  instance: string;
  /** Folder of the worktrees, absolute. */
  worktreeRoot: string;
}

/** Time for one probe container, ms. */
const PROBE_MS_MAX = 60_000;
/** Time the probe gives a connection, s. */
const CONNECT_S = 10;

/** What `doctor` looks at before a run does: the same questions, the same answers. */
export class DockerChecks {
  private readonly cli: DockerCli;
  constructor(private readonly options: DockerChecksOptions) {
    this.cli = new DockerCli(options);
  }

  /** The engine answers; its version is in `detail`. Warns of one that is known to let containers out (SB-25). */
  async engine(): Promise<Check> {
    const answer = await this.cli.call(["version", "--format", "{{json .}}"]);
    if (answer.kind === "failed")
      return failed("engine", notStarted(answer.message, this.spec("true")).detail);
    const version = readVersion(answer.stdout);
    if (version === undefined)
      return failed(
        "engine",
        `${this.options.docker} does not answer as a container engine does. Name a Docker-compatible program in CODING_AGENT_DOCKER_BINARY (server) or WSRUNNER_DOCKER (runner).`,
      );
    const warning = engineFloorWarning(version);
    return warning === undefined ? passed("engine", describeEngine(version)) : warned("engine", warning);
  }

  /** Files can pass between this process and a container. @param root whether this process is */
  async userIds(root: boolean): Promise<Check> {
    const { kind, detail } = await this.findUserIds(root);
    return kind === "fit" ? passed("user ids", detail) : failed("user ids", detail);
  }

  async findUserIds(root: boolean): Promise<UserIds> {
    const uidMap = await readFile("/proc/self/uid_map", "utf8").catch(() => "");
    return findUserIds(this.cli, { root, uidMap });
  }

  /** Containers are held to their memory and processes. */
  async limits(): Promise<Check> {
    const { kind, detail } = await this.findLimits();
    return kind === "unfit" ? failed("limits", detail) : passed("limits", detail);
  }

  findLimits(): Promise<EngineLimits> {
    return findEngineLimits(this.cli);
  }

  /** The image is there, or can be pulled, and is an agent image. */
  async image(): Promise<Check> {
    const problem = await ensureImage(this.cli, this.spec("true"), true, {});
    return problem === undefined ? passed("image", this.options.image) : failed("image", problem.detail);
  }

  async network(): Promise<Check> {
    const { network } = this.options;
    const answer = await this.cli.call(["network", "inspect", "--format", "{{.Driver}}", network]);
    if (answer.kind === "ok") return passed("network", `${network} (${answer.stdout.trim()})`);
    const problem = saysMissing(answer.message)
      ? networkMissing(network)
      : notStarted(answer.message, this.spec("true"));
    return failed("network", problem.detail);
  }

  /** The worktree folder can be written here and is seen by the engine under the same path. */
  async worktree(): Promise<Check> {
    const { worktreeRoot } = this.options;
    const problem = await worktreeProblem(worktreeRoot);
    if (problem !== undefined) return failed("worktree", problem);
    const dir = await mkdtemp(join(worktreeRoot, ".windshift-probe-"));
    try {
      const word = randomUUID();
      await writeFile(join(dir, "word"), word, { mode: 0o644 });
      const answer = await this.probe({ ...this.spec("cat word"), workspace: { dir, readOnly: true } }, dir);
      if (answer.kind === "ok" && answer.stdout.trim() === word) return passed("worktree", worktreeRoot);
      const said = answer.kind === "ok" ? "bind source path does not exist" : answer.message;
      return failed(
        "worktree",
        notStarted(said, { ...this.spec(""), workspace: { dir, readOnly: true } }).detail,
      );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  /** A container on the network reaches the API. @param apiUrl as containers see it, ending in `/api` */
  async api(apiUrl: string): Promise<Check> {
    const url = `${apiUrl}/git-proxy/1/probe/probe.git`;
    // git is the one HTTP client an agent image is sure to have; whatever status it gets, the server was reached.
    const script = `GIT_TERMINAL_PROMPT=0 LC_ALL=C timeout ${CONNECT_S} git ls-remote "$PROBE_URL" 2>&1; exit 0`;
    const { worktreeRoot } = this.options;
    const dir = await mkdtemp(join(worktreeRoot, ".windshift-probe-"));
    try {
      const spec = { ...this.spec(script), env: { PROBE_URL: url }, workspace: { dir, readOnly: true } };
      const answer = await this.probe(spec, dir);
      if (answer.kind === "failed") return failed("api", notStarted(answer.message, spec).detail);
      return answeredByServer(answer.stdout)
        ? passed("api", `${apiUrl} answers to a container`)
        : failed("api", unreachable(apiUrl, answer.stdout));
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  /** Runs one container to its end with the confinement of an agent's. */
  private async probe(spec: SandboxSpec, dir: string): Promise<DockerAnswer> {
    // mkdtemp makes folders private; the agent's user has to look in.
    await chmod(dir, 0o755);
    const traits = await findEngineTraits(this.cli);
    const confined = { init: false, podman: traits?.podman ?? false };
    const [create = "", ...args] = createArgv(spec, this.options.limits, confined);
    // The engine removes it: this process may end before it can.
    const created = await this.cli.call([create, "--rm", ...args], { env: spec.env });
    if (created.kind === "failed") return created;
    const id = created.stdout.trim();
    try {
      return await this.cli.call(["start", "--attach", id], { timeoutMs: PROBE_MS_MAX });
    } finally {
      await this.cli.call(["rm", "--force", "--volumes", id]);
    }
  }

  private spec(script: string): SandboxSpec {
    const { instance, image, network, worktreeRoot } = this.options;
    return {
      name: `windshift-${instance}-probe-${randomUUID().slice(0, 8)}`,
      labels: { [INSTANCE_LABEL]: instance, [ROLE_LABEL]: "probe" },
      image,
      command: ["sh", "-c", script],
      env: {},
      workspace: { dir: worktreeRoot, readOnly: true },
      network,
    };
  }
}

function readVersion(text: string): EngineVersion | undefined {
  try {
    return parseEngine(EngineVersion, text);
  } catch {
    return undefined;
  }
}

/** Words of git that only an HTTP answer brings about. */
function answeredByServer(said: string): boolean {
  return /returned error: \d{3}|could not read Username|Authentication failed|repository '.*' not found|not valid: is this a git repository/i.test(
    said,
  );
}

function unreachable(apiUrl: string, said: string): string {
  const local = /\/\/(localhost|127\.|\[::1\])/.test(apiUrl)
    ? " localhost inside a container is the container itself, not the Windshift server."
    : "";
  return (
    `a container cannot reach ${apiUrl}.${local} Set CODING_AGENT_WS_API_URL to an address that works from a container (agents on ` +
    `the server's host), or check WS_API_URL and outbound HTTPS (runner hosts). git said: ${said.replace(/\s+/g, " ").trim().slice(0, 500)}`
  );
}
