import { z } from "zod";
import type { ForgeRepository } from "./forge-client.ts";
import type { ListedPullRequest } from "./pull-request-choice.ts";

/** What we read of Forgejo's and Gitea's replies; the rest is left where it is. */
export const ForgejoUser = z.object({ login: z.string(), id: z.number() });

export const ForgejoRepository = z
  .object({
    name: z.string(),
    owner: z.object({ login: z.string() }),
    default_branch: z.string(),
    html_url: z.string(),
    archived: z.boolean().default(false),
    private: z.boolean().default(true),
    permissions: z.object({ push: z.boolean().default(false) }).nullish(),
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

/** `WIP: ` and its like; newer versions say it in `draft` too. */
const DRAFT_TITLE = /^(wip:|\[wip\]|draft:|\[draft\])/i;

export const ForgejoPullRequest = z
  .object({
    id: z.number(),
    number: z.int(),
    html_url: z.string(),
    title: z.string(),
    body: z.string().nullish(),
    state: z.enum(["open", "closed"]),
    draft: z.boolean().optional(),
    merged: z.boolean().default(false),
    merge_commit_sha: z.string().nullish(),
    head: z.object({ ref: z.string(), sha: z.string(), repo_id: z.number() }),
    base: z.object({ ref: z.string(), repo_id: z.number() }),
  })
  .transform(
    (pull): ListedPullRequest => ({
      forgeId: String(pull.id),
      number: pull.number,
      url: pull.html_url,
      title: pull.title,
      body: pull.body ?? "",
      state: pull.merged ? "merged" : pull.state,
      draft: pull.draft ?? DRAFT_TITLE.test(pull.title),
      sourceBranch: pull.head.ref,
      targetBranch: pull.base.ref,
      headOid: pull.head.sha,
      mergeOid: pull.merged ? (pull.merge_commit_sha ?? null) : null,
      fromFork: pull.head.repo_id !== pull.base.repo_id,
    }),
  );

const Author = z.object({ login: z.string() }).nullish();
const When = z.iso.datetime({ offset: true });

export const ForgejoComment = z.object({
  id: z.number(),
  body: z.string().default(""),
  html_url: z.string().default(""),
  created_at: When,
  user: Author,
});

export const ForgejoReview = z.object({
  id: z.number(),
  body: z.string().default(""),
  html_url: z.string().default(""),
  /** `PENDING` is not submitted; `REQUEST_REVIEW` is a wish for one. */
  state: z.string().default(""),
  submitted_at: When,
  comments_count: z.int().default(0),
  user: Author,
});
