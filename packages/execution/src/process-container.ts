import { stat } from "node:fs/promises";
import { carryStreams, type PipedChild } from "./child-streams.ts";
import { killOne } from "./process-tree.ts";
import type { SandboxContainer, SandboxExit, SandboxStreams } from "./sandbox.ts";

export interface ProcessPlan {
  argv: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** Kills what carries the mark in its environment. @returns whether all of it is gone */
  killAll: () => Promise<boolean>;
  cleanUp: () => Promise<void>;
}

/** Exit code of a shell for a program that does not exist; containers answer the same. */
const EXIT_NOT_FOUND = 127;

/** One plain process and its descendants. */
export class ProcessContainer implements SandboxContainer {
  constructor(private readonly plan: ProcessPlan) {}

  /** Does nothing: a plain process is there at once, and nothing keeps it out of a checkout that is not ready. */
  start(): void {}

  async run(streams: SandboxStreams, signal: AbortSignal): Promise<SandboxExit> {
    try {
      if (signal.aborted) return { kind: "killed" };
      if (!(await isFolder(this.plan.cwd))) return workspaceMissing(this.plan.cwd);
      const child = this.spawn();
      if (child === undefined) return { kind: "exited", exitCode: EXIT_NOT_FOUND };
      return await this.carry(child, streams, signal);
    } finally {
      await this.plan.cleanUp();
    }
  }

  async discard(): Promise<void> {
    await this.plan.killAll();
    await this.plan.cleanUp();
  }

  private async carry(child: PipedChild, streams: SandboxStreams, signal: AbortSignal): Promise<SandboxExit> {
    // Descendants keep the outputs open, so they go as soon as the process itself has ended.
    const ended = child.exited.then(() => this.killTree(child));
    const kill = () => void this.killTree(child);
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    try {
      await carryStreams(child, streams);
    } catch (error) {
      await this.killTree(child);
      throw error;
    } finally {
      signal.removeEventListener("abort", kill);
    }
    if (!(await ended))
      return {
        kind: "lost",
        gone: false,
        detail: "processes of the agent could not be killed; look for them with ps",
      };
    if (signal.aborted) return { kind: "killed" };
    const exit = { kind: "exited", exitCode: await child.exited } as const;
    streams.onEnd?.(exit);
    return exit;
  }

  private killTree(child: PipedChild): Promise<boolean> {
    killOne(-child.pid);
    return this.plan.killAll();
  }

  private spawn(): PipedChild | undefined {
    try {
      return Bun.spawn([...this.plan.argv], {
        cwd: this.plan.cwd,
        env: this.plan.env,
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
        // A group of its own, so that it can be killed whole and a signal to us does not reach it.
        detached: true,
      });
    } catch {
      return undefined;
    }
  }
}

async function isFolder(dir: string): Promise<boolean> {
  return await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function workspaceMissing(dir: string): SandboxExit {
  return { kind: "not_started", reason: "worktree", detail: `the checkout folder ${dir} does not exist` };
}
