import { type ExecResult, exec } from "@windshift/base/exec.ts";
import { childEnv } from "../setup/child-env.ts";

/** Lines of a failed build that are shown. */
const BUILD_LINES_SHOWN = 25;
const REMOVE_MS_MAX = 60_000;

export interface DockerOptions {
  timeoutMs: number;
  cwd?: string;
  stdin?: ReadableStream<Uint8Array>;
}

/** Podman's command line takes the same arguments; whoever found the engine has named it here. */
export function dockerProgram(): string {
  return process.env.CODING_AGENT_DOCKER_BINARY || "docker";
}

/** Runs the engine's command line. A failing command is an exit code. */
export function docker(args: readonly string[], options: DockerOptions): Promise<ExecResult> {
  // The builder every engine has: the newer one is a plug-in Debian does not bring along.
  return exec([dockerProgram(), ...args], { ...options, env: childEnv({ DOCKER_BUILDKIT: "0" }) });
}

/** @returns what a Go template gives for an image, undefined when there is no such image here */
export async function inspectImage(reference: string, template: string): Promise<string | undefined> {
  const result = await docker(["image", "inspect", "--format", template, reference], { timeoutMs: 30_000 });
  return result.exitCode === 0 ? result.stdout.trim() : undefined;
}

/** What a build said last, which names what went wrong. */
export function buildOutput(result: ExecResult): string {
  return `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-BUILD_LINES_SHOWN).join("\n");
}

/** Removes the image a tag was taken from, unless a container or another tag still holds it. Others' images are not touched. */
export async function removeUnnamed(id: string | undefined): Promise<void> {
  if (id !== undefined && (await inspectImage(id, "{{len .RepoTags}}")) === "0")
    await docker(["image", "rm", id], { timeoutMs: REMOVE_MS_MAX });
}
