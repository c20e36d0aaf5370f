import { mkdir, mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type DiskUse, diskUse } from "./disk-use.ts";
import { ProcessContainer } from "./process-container.ts";
import { killMarked, markedProcesses } from "./process-tree.ts";
import type { HeldLabels, NotStarted, Sandbox, SandboxContainer, SandboxSpec } from "./sandbox.ts";
import { INSTANCE_LABEL, isKept } from "./sandbox-labels.ts";
import { removeTree } from "./tree-removal.ts";

export interface ProcessSandboxOptions {
  /** What a program name of a spec means here: `windshift-agent` → the arguments that start it from the source tree. */
  commands: Record<string, readonly string[]>;
  /** PATH of the processes, so that `git`, `sh` and `ws` are found. */
  path: string;
  /** Folder for the homes of the processes, absolute, made when missing; each home is removed with its process. */
  homeRoot: string;
}

/** Names the sandbox in the environment of its processes; its value is name and labels. */
export const SANDBOX_MARK = "WINDSHIFT_SANDBOX";

/**
 * NO ISOLATION. Runs the agent as a plain process with the rights of this one, as the shell executor of GitLab Runner
 * does: it can read and change whatever this process can, reach any network, and escape being killed if it tries. For
 * trusted work and development only; a program must never choose it by default, and every run made with it is shown as
 * unsandboxed. Image, network, limits and `readOnly` of a spec have no meaning here.
 */
export class ProcessSandbox implements Sandbox {
  readonly isolation = "unsandboxed";
  /** Homes of processes that this program has made and not yet removed. */
  private readonly homes = new Set<string>();

  constructor(private readonly options: ProcessSandboxOptions) {}

  async create(spec: SandboxSpec): Promise<SandboxContainer | NotStarted> {
    const home = await makeHome(this.options.homeRoot, homePrefix(spec.labels));
    if (home === undefined) return homeMissing(this.options.homeRoot);
    this.homes.add(home);
    const mark = markOf(spec);
    const env = {
      ...spec.env,
      PATH: this.options.path,
      HOME: home,
      WINDSHIFT_WORKSPACE: spec.workspace.dir,
      [SANDBOX_MARK]: mark,
    };
    return new ProcessContainer({
      argv: this.argvOf(spec.command),
      cwd: spec.workspace.dir,
      env,
      killAll: () => killMarked(SANDBOX_MARK, mark),
      cleanUp: async () => {
        await removeTree(home);
        this.homes.delete(home);
      },
    });
  }

  /** The agent is the same user as this process. */
  async giveDir(): Promise<void> {}

  removeDir(dir: string): Promise<void> {
    return removeTree(dir);
  }

  diskUse(dir: string, signal: AbortSignal): Promise<DiskUse> {
    return diskUse(dir, this.options.path, signal);
  }

  async sweep(labels: Record<string, string>, keep: readonly HeldLabels[]): Promise<string[]> {
    const marks = new Set(markedProcesses(SANDBOX_MARK).map((found) => found.value));
    const removed: string[] = [];
    for (const mark of marks) {
      const found = readMark(mark);
      if (!Object.entries(labels).every(([name, value]) => found.labels[name] === value)) continue;
      if (isKept(found.labels, keep)) continue;
      await killMarked(SANDBOX_MARK, mark);
      removed.push(found.name);
    }
    await this.sweepHomes(homePrefix(labels));
    return removed;
  }

  /** Homes that a program of this instance left when it was killed. */
  private async sweepHomes(prefix: string): Promise<void> {
    const { homeRoot } = this.options;
    const names = await readdir(homeRoot).catch(() => []);
    for (const home of names.filter((name) => name.startsWith(prefix)).map((name) => join(homeRoot, name)))
      if (!this.homes.has(home)) await removeTree(home);
  }

  private argvOf(command: readonly string[]): string[] {
    const [program = "", ...args] = command;
    return [...(this.options.commands[program] ?? [program]), ...args];
  }
}

/** `name;label=value;label=value`, percent-encoded so that a value cannot add a label. */
function markOf(spec: SandboxSpec): string {
  const labels = Object.entries(spec.labels).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return [encodeURIComponent(spec.name), ...labels].join(";");
}

function readMark(mark: string): { name: string; labels: Record<string, string> } {
  const [name = "", ...pairs] = mark.split(";");
  const labels = Object.fromEntries(pairs.map((pair) => pair.split("=").map(decodeURIComponent)));
  return { name: decodeURIComponent(name), labels };
}

/** Names whose home it is, so that two programs that share a folder leave each other's alone. */
function homePrefix(labels: Record<string, string>): string {
  return `windshift-home-${labels[INSTANCE_LABEL] ?? "none"}-`;
}

/** @returns undefined when there can be none */
async function makeHome(root: string, prefix: string): Promise<string | undefined> {
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(root, prefix));
  } catch {
    return undefined;
  }
}

function homeMissing(root: string): NotStarted {
  return {
    kind: "not_started",
    reason: "worktree",
    detail: `the folder ${root} cannot be written; make it or change its owner`,
  };
}
