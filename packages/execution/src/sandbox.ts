import type { RunReason } from "@windshift/contract/run.ts";
import type { DiskUse } from "./disk-use.ts";

/** What runs, where, with what. Values come from the server or from settings, never from the repository. */
export interface SandboxSpec {
  /** Unique on the host: `windshift-main-run-7-1-agent`. */
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
  /** Told that the program has ended by itself and all its output was read, before what is left of it is removed. */
  onEnd?(exit: SandboxExit): void;
}

/** Never ran; `detail` says what to do about it. */
export interface NotStarted {
  kind: "not_started";
  reason: Extract<RunReason, "image" | "network" | "engine" | "worktree">;
  detail: string;
}

export type SandboxExit =
  /** Ran to its end by itself. */
  | { kind: "exited"; exitCode: number }
  /** Ended by the memory limit. */
  | { kind: "oom" }
  /** Ended by `signal`. */
  | { kind: "killed" }
  /** The engine stopped answering while it ran. `gone`: it was seen to be removed afterwards. */
  | { kind: "lost"; gone: boolean; detail: string }
  | NotStarted;

/** A container that exists but does not run yet. */
export interface SandboxContainer {
  /**
   * Starts it ahead of `run`, where that saves time; its program gets no input, and its output is read by nobody, before
   * `run`. Not needed: `run` starts what is not started.
   */
  start(): void;
  /**
   * Runs it to its end and removes it: when this resolves nothing of it is alive, except after `lost` with `gone: false`.
   * `signal` kills at once (grace is the caller's: it sends `abort` on stdin first). A failing command is an exit code;
   * a program that does not exist is exit code 127.
   */
  run(streams: SandboxStreams, signal: AbortSignal): Promise<SandboxExit>;
  /**
   * Removes it without running; safe to call after `run`.
   * @throws AppError `unavailable` when the engine does not confirm that it is gone
   */
  discard(): Promise<void>;
}

export interface SandboxCreateOptions {
  /** Gives up, for example while an image is pulled; the answer is then `not_started`. */
  signal?: AbortSignal;
  /** Lines for a person who waits, such as the layers of an image. */
  progress?: (line: string) => void;
}

/** Real: docker-sandbox.ts and process-sandbox.ts. Both pass sandbox-contract.ts. */
export interface Sandbox {
  readonly isolation: "container" | "unsandboxed";
  /** Makes one container without starting it, so that this can overlap with the checkout. */
  create(spec: SandboxSpec, options?: SandboxCreateOptions): Promise<SandboxContainer | NotStarted>;
  /** Makes the files under `dir` the agent user's, on hosts where the checkout could not. */
  giveDir(dir: string): Promise<void>;
  /** Removes `dir` and all under it, whoever owns it. Never follows a link out of it. */
  removeDir(dir: string): Promise<void>;
  /** What `dir` takes on the disk, whoever owns what is in it. Nothing reads it any more once this is settled. */
  diskUse(dir: string, signal: AbortSignal): Promise<DiskUse>;
  /**
   * Removes containers that carry all of `labels`, except those whose attempt is in `keep` at the moment of the removal: an
   * attempt may begin meanwhile. Returns their names.
   */
  sweep(labels: Record<string, string>, keep: readonly HeldLabels[]): Promise<string[]>;
}

/** An attempt as the labels of its containers name it. */
export interface HeldLabels {
  run: number;
  attempt: number;
}
