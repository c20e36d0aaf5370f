import { z } from "zod";
import type { ForgeRepository } from "./forge-client.ts";
import type { ListedPullRequest } from "./pull-request-choice.ts";

/** What we read of GitHub's replies; the rest is left where it is. */
export const GithubUser = z.object({ login: z.string(), type: z.string().optional() });

export const GithubRepository = z
  .object({
    name: z.string(),
    owner: z.object({ login: z.string() }),
    default_branch: z.string(),
    html_url: z.string(),
    archived: z.boolean().default(false),
    private: z.boolean(),
    permissions: z.object({ push: z.boolean().default(false) }).optional(),
  })
  .transform(
    (repo): ForgeRepository => ({
      owner: repo.owner.login,
      name: repo.name,
      defaultBranch: repo.default_branch,
      webUrl: repo.html_url,
      archived: repo.archived,
      private: repo.private,
      canPush: repo.permissions?.push ?? false,
    }),
  );

export const GithubPullRequest = z
  .object({
    id: z.number(),
    number: z.int(),
    html_url: z.string(),
    title: z.string(),
    body: z.string().nullish(),
    state: z.enum(["open", "closed"]),
    draft: z.boolean().default(false),
    merged_at: z.string().nullish(),
    merge_commit_sha: z.string().nullish(),
    /** Null when the fork is gone. */
    head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.number() }).nullish() }),
    base: z.object({ ref: z.string(), repo: z.object({ id: z.number() }) }),
  })
  .transform((pull): ListedPullRequest => {
    const merged = typeof pull.merged_at === "string";
    return {
      forgeId: String(pull.id),
      number: pull.number,
      url: pull.html_url,
      title: pull.title,
      body: pull.body ?? "",
      state: merged ? "merged" : pull.state,
      draft: pull.draft,
      sourceBranch: pull.head.ref,
      targetBranch: pull.base.ref,
      headOid: pull.head.sha,
      fromFork: pull.head.repo?.id !== pull.base.repo.id,
      // That of an open pull request is a trial merge, which is in no branch.
      mergeOid: merged ? (pull.merge_commit_sha ?? null) : null,
    };
  });

export const GithubComment = z.object({
  id: z.number(),
  body: z.string().nullish(),
  html_url: z.string().default(""),
  created_at: z.iso.datetime({ offset: true }),
  /** Null when the account is gone. */
  user: GithubUser.nullable(),
});

export const GithubReviewComment = GithubComment.extend({ pull_request_review_id: z.number().nullish() });

export const GithubReview = GithubComment.omit({ created_at: true }).extend({
  /** Missing while it is not submitted. */
  submitted_at: z.iso.datetime({ offset: true }).nullish(),
});
