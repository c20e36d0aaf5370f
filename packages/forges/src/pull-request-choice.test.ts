import { expect, test } from "bun:test";
import { ForgejoPullRequest } from "./forgejo-schemas.ts";
import { GithubPullRequest } from "./github-schemas.ts";
import { GitlabMergeRequest } from "./gitlab-schemas.ts";
import { bestOf, type ListedPullRequest } from "./pull-request-choice.ts";

const BRANCH = "agent-runs/run-7";
const shared = { id: 1, title: "T", html_url: "https://example.com/1" };

/** The same pull request as each forge writes it. */
function listed(number: number, state: "open" | "closed", from: number | null): ListedPullRequest[] {
  const head = { ref: BRANCH, sha: "a".repeat(40) };
  return [
    GithubPullRequest.parse({
      ...shared,
      number,
      state,
      head: { ...head, repo: from === null ? null : { id: from } },
      base: { ref: "main", repo: { id: 1 } },
    }),
    ForgejoPullRequest.parse({
      ...shared,
      number,
      state,
      head: { ...head, repo_id: from ?? 0 },
      base: { ref: "main", repo_id: 1 },
    }),
    GitlabMergeRequest.parse({
      id: 1,
      iid: number,
      title: "T",
      web_url: "https://example.com/1",
      state: state === "open" ? "opened" : "closed",
      source_branch: BRANCH,
      target_branch: "main",
      source_project_id: from,
      target_project_id: 1,
      sha: head.sha,
    }),
  ];
}

test("an open one comes first, then the newest, and another branch never", () => {
  for (const forge of [0, 1, 2]) {
    const pick = (...pulls: ListedPullRequest[][]) => pulls.flatMap((pull) => pull[forge] ?? []);
    const [old, open, latest] = [listed(1, "closed", 1), listed(2, "open", 1), listed(3, "closed", 1)];
    expect(bestOf(pick(old, open, latest), BRANCH)?.number).toBe(2);
    expect(bestOf(pick(old, latest), BRANCH)?.number).toBe(3);
    expect(bestOf(pick(open), "agent-runs/run-70")).toBeUndefined();
  }
});

test("one that another request made is never this one's, though the branch is the same", () => {
  const by = { mark: "<!-- mine -->", targetBranch: "main" };
  for (const pull of listed(4, "open", 1)) {
    expect(bestOf([pull], BRANCH, by)).toBeUndefined();
    const marked = { ...pull, body: `Text\n${by.mark}` };
    expect(bestOf([pull, marked], BRANCH, by)).toMatchObject({ body: marked.body });
    expect(bestOf([marked], BRANCH, { ...by, targetBranch: "next" })).toBeUndefined();
  }
});

test("one of a fork with a branch of the same name is not that of the run", () => {
  for (const pull of [...listed(9, "open", 2), ...listed(9, "open", null)]) {
    expect(pull.fromFork).toBe(true);
    expect(bestOf([pull], BRANCH)).toBeUndefined();
  }
});
