import { join } from "node:path";
import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { exec } from "@windshift/base/exec.ts";
import { Commit, Diff, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { z } from "zod";
import { childEnv } from "../setup/child-env.ts";
import type { DemoMachine } from "./machine.ts";
import { bold, dim, green, heading, plain, red, say } from "./terminal.ts";

const CommitList = z.object({ commits: z.array(Commit) });
/** The project's tests take well under a second. */
const TEST_MS_MAX = 60_000;

/** Prints a pull request: title, body, commits and diff. */
export async function showPullRequest(api: ApiClient, id: number): Promise<PullRequestDetail> {
  const pull = await api.get(`/api/v1/pull-requests/${id}`, PullRequestDetail);
  heading(`Draft pull request #${pull.number}: ${plain(pull.title)}`);
  say(dim(`${pull.source_branch} → ${pull.target_branch}`));
  say(indent(plain(pull.body)));
  // On a forge, the forge shows the rest.
  if (pull.url !== null) return pull;
  const { commits } = await api.get(`/api/v1/pull-requests/${id}/commits`, CommitList);
  const diff = await api.get(`/api/v1/pull-requests/${id}/diff`, Diff);
  for (const commit of commits)
    say(`  ${dim(commit.oid.slice(0, 10))} ${plain(commit.subject)} ${dim(plain(commit.author.name))}`);
  say();
  for (const line of plain(diff.patch).trimEnd().split("\n")) say(`  ${colorOf(line)(line)}`);
  return pull;
}

/** Runs the project's own tests on two commits of its repository and prints both results. */
export async function showTests(
  machine: DemoMachine,
  repository: string,
  workDir: string,
  pull: PullRequestDetail,
): Promise<void> {
  heading("The project's tests (sh test.sh), before and after");
  for (const [when, oid] of [
    ["before", pull.base_oid],
    ["after", pull.head_oid],
  ] as const) {
    const dir = join(workDir, `tests-${when}`);
    await gitOut(["clone", "--quiet", "--no-checkout", repository, dir], workDir);
    await gitOut(["checkout", "--quiet", "--detach", oid], dir);
    const { exitCode, stdout } = await exec(testCommand(machine, dir), {
      cwd: dir,
      env: testEnv(machine),
      timeoutMs: TEST_MS_MAX,
    });
    say(
      `  ${bold(when.padEnd(6))} ${dim(oid.slice(0, 10))} ${exitCode === 0 ? green("pass") : red(`fail (exit ${exitCode})`)}`,
    );
    for (const line of stdout.trimEnd().split("\n")) say(dim(`    ${plain(line)}`));
  }
}

/** The engine's command line needs our environment; what an agent wrote gets none of it. */
function testEnv(machine: DemoMachine): Record<string, string> {
  return machine.engine === undefined ? { PATH: process.env.PATH ?? "/usr/bin:/bin" } : childEnv();
}

/** What an agent wrote is run in a container of its own, without network. */
function testCommand(machine: DemoMachine, dir: string): string[] {
  if (machine.engine === undefined) return ["sh", "test.sh"];
  const { cli, image } = machine.engine;
  const confined = [
    "--network",
    "none",
    "--read-only",
    "--cap-drop",
    "ALL",
    "--user",
    "1000:1000",
    "--tmpfs",
    "/tmp",
  ];
  const mount = ["--mount", `type=bind,src=${dir},dst=/workspace,readonly`];
  return [cli, "run", "--rm", ...confined, ...mount, "--entrypoint", "sh", image, "test.sh"];
}

function colorOf(line: string): (text: string) => string {
  if (line.startsWith("+") && !line.startsWith("+++")) return green;
  if (line.startsWith("-") && !line.startsWith("---")) return red;
  return dim;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
