import type { RunReason } from "@windshift/contract/run.ts";

/** What runs, where, with what. Values come from the server or from settings, never from the repository. */
export interface SandboxSpec {
  /** Unique on the host: `windshift-run-7-1-agent`. */
  name: string;
  /** Told apart by labels: the sweep at start removes what is ours and no longer live. */
  labels: Record<string, string>;
  image: string;
  /** Program and arguments; replaces the image's own. */
  command: readonly string[];
  env: Record<string, string>;
  /** Bound at /workspace, the only thing of the host the container sees. */
  workspace: { dir: string; readOnly: boolean };
  /** `none`, or the name of a network of the engine. */
  network: string;
}

/** Streams of a running container. The sandbox waits for `onStdout`, so a slow reader slows the writer down. */
export interface SandboxStreams {
  stdin: AsyncIterable<string>;
  onStdout(chunk: Uint8Array): void | Promise<void>;
  onStderr(chunk: Uint8Array): void | Promise<void>;
}

export type SandboxExit =
  /** Ran to its end by itself. */
  | { kind: "exited"; exitCode: number }
  /** Ended by the memory limit. */
  | { kind: "oom" }
  /** Ended by `signal`. */
  | { kind: "killed" }
  /** Never ran; `detail` says what to do about it. */
  | {
      kind: "not_started";
      reason: Extract<RunReason, "image" | "network" | "engine" | "worktree">;
      detail: string;
    };

/** A container that exists but does not run yet. */
export interface SandboxContainer {
  /**
   * Runs it to its end and removes it: when this resolves nothing of it is alive. `signal` kills at once (grace is the
   * caller's: it sends `abort` on stdin first). A failing command is an exit code.
   */
  run(streams: SandboxStreams, signal: AbortSignal): Promise<SandboxExit>;
  /** Removes it without running; safe to call after `run`. */
  discard(): Promise<void>;
}

/** Real: docker-sandbox.ts and process-sandbox.ts. Both pass sandbox-contract.ts. */
export interface Sandbox {
  readonly isolation: "container" | "unsandboxed";
  /** Makes one container without starting it, so that this can overlap with the checkout. */
  create(spec: SandboxSpec): Promise<SandboxContainer | Extract<SandboxExit, { kind: "not_started" }>>;
  /** Gives files to the agent's user, or back; for hosts where we are not root. */
  removeDir(dir: string): Promise<void>;
  /** Removes containers that carry all of `labels`, except those whose attempt is in `keep`. Returns their names. */
  sweep(labels: Record<string, string>, keep: readonly { run: number; attempt: number }[]): Promise<string[]>;
}
