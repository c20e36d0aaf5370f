import type { Comment, PullRequest, PullReview, Repository, User } from "forgejo-js";
import {
  type ForgeModel,
  type ModelComment,
  type ModelPull,
  type ModelRepository,
  readOid,
} from "./forge-model.ts";

/** An account as Forgejo shows it. */
export function user(model: ForgeModel, login: string): User {
  const { id } = model.account(login);
  return { id, login, full_name: "", email: `${login}@example.com`, active: true };
}

/**
 * A repository as Forgejo shows it to `login`, whose rights are in it.
 * @param base address that links begin with
 */
export function repositoryJson(repository: ModelRepository, login: string, base: string): Repository {
  const { id, owner, name } = repository;
  const access = repository.access.get(login);
  return {
    id,
    name,
    full_name: `${owner}/${name}`,
    owner: { id: 1, login: owner },
    default_branch: "main",
    html_url: `${base}/${owner}/${name}`,
    archived: false,
    private: repository.private,
    empty: false,
    fork: false,
    permissions: { pull: true, push: access !== "read", admin: access === "admin" },
  };
}

/**
 * A pull request with its commits as git has them now; a branch that is gone has an empty one.
 * @param base address that links begin with
 */
export async function pullJson(model: ForgeModel, pull: ModelPull, base: string): Promise<PullRequest> {
  const { repository, source, target } = pull;
  const [head, onto] = [
    await readOid(repository, `refs/heads/${source}`),
    await readOid(repository, `refs/heads/${target}`),
  ];
  return {
    id: pull.id,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    html_url: `${base}/${repository.owner}/${repository.name}/pulls/${pull.number}`,
    state: pull.state === "open" ? "open" : "closed",
    merged: pull.state === "merged",
    draft: /^WIP:/.test(pull.title),
    user: user(model, pull.author),
    ...(pull.mergeOid === null ? {} : { merge_commit_sha: pull.mergeOid }),
    head: { label: source, ref: source, sha: head ?? "", repo_id: repository.id },
    base: { label: target, ref: target, sha: onto ?? "", repo_id: repository.id },
  };
}

/**
 * A comment below a pull request, as Forgejo's list of comments of an issue has it.
 * @param base address that links begin with
 */
export function commentJson(
  model: ForgeModel,
  pull: ModelPull,
  comment: ModelComment,
  base: string,
): Comment {
  const at = seconds(comment.createdAtMs);
  return {
    id: comment.id,
    body: comment.body,
    user: user(model, comment.login),
    created_at: at,
    updated_at: at,
    html_url: `${base}/${pull.repository.owner}/${pull.repository.name}/pulls/${pull.number}#issuecomment-${comment.id}`,
  };
}

/**
 * The reviews of a pull request; the comments on lines are counted in each and listed elsewhere, as at Forgejo.
 * @param base address that links begin with
 */
export function reviewsJson(model: ForgeModel, pull: ModelPull, base: string): PullReview[] {
  return pull.comments
    .filter((c) => c.kind === "review")
    .map((c) => ({
      id: c.id,
      body: c.body,
      user: user(model, c.login),
      state: "COMMENT",
      submitted_at: seconds(c.createdAtMs),
      comments_count: pull.comments.filter((inner) => inner.reviewId === c.id).length,
      html_url: `${base}/${pull.repository.owner}/${pull.repository.name}/pulls/${pull.number}#issuecomment-${c.id}`,
    }));
}

/** Forgejo's times have no parts of a second. */
export function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
