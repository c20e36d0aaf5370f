import type { DiskUse } from "./disk-use.ts";
import { checkEnvNames, createArgv, type DockerLimits } from "./docker-argv.ts";
import { DockerCli, type DockerCliOptions } from "./docker-cli.ts";
import { DockerContainer } from "./docker-container.ts";
import { diskUseOf, giveDir, removeDir } from "./docker-dirs.ts";
import { type EngineTraits, findEngineTraits } from "./docker-engine.ts";
import { networkMissing, notStarted } from "./docker-errors.ts";
import { ensureImage } from "./docker-image.ts";
import { saysMissing } from "./docker-inspect.ts";
import { sweepContainers } from "./docker-sweep.ts";
import { removeUnseen } from "./docker-unseen.ts";
import { RecentFacts } from "./recent-facts.ts";
import type {
  HeldLabels,
  NotStarted,
  Sandbox,
  SandboxContainer,
  SandboxCreateOptions,
  SandboxSpec,
} from "./sandbox.ts";

export interface DockerSandboxOptions extends DockerCliOptions {
  limits: DockerLimits;
  /** Image for the small containers of our own that give and remove folders on hosts where we are not root. */
  helperImage: string;
  /** Refuse images without the agent contract's label. Default true. */
  agentImagesOnly?: boolean;
  /** Whether this process is root and so can do without helper containers. */
  root: boolean;
}

/** Throwaway containers of Docker or Podman, driven through the command line. */
export class DockerSandbox implements Sandbox {
  readonly isolation = "container";
  /** Runtimes of an operator's choice may have a kernel of their own (runsc), with its own memory of who owns a file. */
  private readonly sharesKernel: boolean;
  private readonly cli: DockerCli;
  private traits: Promise<EngineTraits> | undefined;
  private readonly facts = new RecentFacts();

  constructor(private readonly options: DockerSandboxOptions) {
    this.cli = new DockerCli(options);
    this.sharesKernel = options.limits.runtime === undefined;
  }

  async create(
    spec: SandboxSpec,
    options: SandboxCreateOptions = {},
  ): Promise<SandboxContainer | NotStarted> {
    checkEnvNames(spec.env);
    const first = await this.tryCreate(spec, options);
    if (!("kind" in first) || options.signal?.aborted) return first;
    // What was there a moment ago may have gone since: then look, and pull, again.
    const stale = (first.reason === "image" || first.reason === "network") && this.facts.forget();
    return stale ? this.tryCreate(spec, options) : first;
  }

  private async tryCreate(
    spec: SandboxSpec,
    options: SandboxCreateOptions,
  ): Promise<SandboxContainer | NotStarted> {
    const labelled = this.options.agentImagesOnly ?? true;
    const [image, network, traits] = await Promise.all([
      this.facts.problem(`image ${spec.image}`, () => ensureImage(this.cli, spec, labelled, options)),
      this.facts.problem(`network ${spec.network}`, () => this.checkNetwork(spec)),
      this.engineTraits(),
    ]);
    const problem = image ?? network;
    if (problem !== undefined) return problem;
    const created = await this.cli.call(createArgv(spec, this.options.limits, traits), {
      env: spec.env,
      signal: options.signal,
    });
    if (created.kind === "failed") {
      await removeUnseen(this.cli, spec.name, created.message, options.signal);
      return notStarted(created.message, spec);
    }
    return new DockerContainer(this.cli, created.stdout.trim(), spec, this.sharesKernel);
  }

  giveDir(dir: string): Promise<void> {
    return giveDir(this.cli, this.options, dir);
  }

  removeDir(dir: string): Promise<void> {
    return removeDir(this.cli, this.options, dir);
  }

  diskUse(dir: string, signal: AbortSignal): Promise<DiskUse> {
    return diskUseOf(this.cli, this.options, dir, signal);
  }

  sweep(labels: Record<string, string>, keep: readonly HeldLabels[]): Promise<string[]> {
    return sweepContainers(this.cli, labels, keep);
  }

  private async checkNetwork(spec: SandboxSpec): Promise<NotStarted | undefined> {
    if (spec.network === "none") return undefined;
    const answer = await this.cli.call(["network", "inspect", "--format", "{{.Name}}", spec.network]);
    if (answer.kind === "ok") return undefined;
    return saysMissing(answer.message) ? networkMissing(spec.network) : notStarted(answer.message, spec);
  }

  /** Asked once; an engine that gave no answer is asked again. */
  private engineTraits(): Promise<EngineTraits> {
    this.traits ??= findEngineTraits(this.cli).then((found) => {
      if (found === undefined) this.traits = undefined;
      return found ?? { init: false, podman: false };
    });
    return this.traits;
  }
}
