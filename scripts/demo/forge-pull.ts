import { Octokit } from "@octokit/core";
import type { GithubServer } from "@windshift/testing/forges/github-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { z } from "zod";
import { bold, dim, heading, plain, say } from "./terminal.ts";

/** What is shown of the pull request as GitHub's API gives it. */
const PullObject = z.object({
  number: z.int(),
  html_url: z.string(),
  state: z.string(),
  draft: z.boolean().optional(),
  title: z.string(),
  user: z.object({ login: z.string() }).nullable(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string() }),
});

/** Reads the pull request back with GitHub's own client, and the branch with git, and prints both. */
export async function showForgePull(forge: GithubServer, number: number): Promise<void> {
  const octokit = new Octokit({ baseUrl: `${forge.url}/api/v3`, auth: forge.tokens.full });
  const { data } = await octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", {
    owner: forge.repository.owner,
    repo: forge.repository.name,
    pull_number: number,
  });
  const pull = PullObject.parse(data);
  heading("The pull request as octokit reads it from GitHub");
  for (const line of JSON.stringify(pull, null, 2).split("\n")) say(`  ${plain(line)}`);
  heading("The branch in the repository behind GitHub");
  const commits = await gitOut(
    ["log", "--oneline", "--stat", `${pull.base.ref}..${pull.head.ref}`],
    forge.dir,
  );
  for (const line of commits.split("\n")) say(`  ${plain(line)}`);
  const tip = await gitOut(["rev-parse", pull.head.ref], forge.dir);
  if (tip !== pull.head.sha) throw new Error(`the branch is at ${tip}, the pull request at ${pull.head.sha}`);
  say(dim(`  ${bold(pull.head.ref)} is at ${tip}, as the pull request says.`));
}
