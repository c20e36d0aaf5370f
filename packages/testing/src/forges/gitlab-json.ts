import type {
  CommitSchema,
  MergeRequestNoteSchema,
  MergeRequestSchema,
  PersonalAccessTokenSchema,
  ProjectSchema,
} from "@gitbeaker/core";
import {
  type ForgeModel,
  type ModelComment,
  type ModelPull,
  type ModelRepository,
  readOid,
  type Token,
} from "./forge-model.ts";

/** GitLab's levels of what the test forges call access. */
export const LEVELS = { read: 20, write: 30, admin: 50 } as const;

/** An account as GitLab shows it. */
export function userJson(model: ForgeModel, login: string) {
  const { id } = model.account(login);
  return { id, username: login, name: login, state: "active", avatar_url: "", web_url: "" };
}

/** What GitLab says of a token to itself: its scopes and its end. */
export function tokenJson(model: ForgeModel, token: Token): Partial<PersonalAccessTokenSchema> {
  return {
    id: 1,
    name: "windshift",
    revoked: false,
    scopes: token.scopes,
    user_id: model.account(token.login).id,
    active: true,
    expires_at: "2099-01-02",
  };
}

/**
 * A project as GitLab shows it to `login`, whose level is in it.
 * @param base address that links begin with
 */
export function projectJson(
  repository: ModelRepository,
  login: string,
  base: string,
): Partial<ProjectSchema> {
  const path = `${repository.owner}/${repository.name}`;
  const level = LEVELS[repository.access.get(login) ?? "read"];
  return {
    id: repository.id,
    name: repository.name,
    path: repository.name,
    path_with_namespace: path,
    default_branch: "main",
    web_url: `${base}/${path}`,
    archived: false,
    visibility: repository.private ? "private" : "public",
    // The right comes from the group, as it mostly does.
    permissions: {
      project_access: { access_level: 0, notification_level: 0 },
      group_access: { access_level: level, notification_level: 3 },
    },
  } as Partial<ProjectSchema>;
}

/**
 * A merge request with the commit its branch has now, empty when the branch is gone.
 * @param base address that links begin with
 */
export async function requestJson(
  model: ForgeModel,
  pull: ModelPull,
  base: string,
): Promise<Partial<MergeRequestSchema>> {
  const { repository } = pull;
  const head = await readOid(repository, `refs/heads/${pull.source}`);
  return {
    id: pull.id,
    iid: pull.number,
    project_id: repository.id,
    title: pull.title,
    description: pull.body,
    state: pull.state === "open" ? "opened" : pull.state,
    draft: /^Draft:/i.test(pull.title),
    source_branch: pull.source,
    target_branch: pull.target,
    source_project_id: repository.id,
    target_project_id: repository.id,
    web_url: `${base}/${repository.owner}/${repository.name}/-/merge_requests/${pull.number}`,
    sha: head ?? "",
    ...(pull.mergeOid === null ? {} : { merge_commit_sha: pull.mergeOid }),
    author: userJson(model, pull.author) as MergeRequestSchema["author"],
  };
}

/** A comment on a merge request, by its kind one on a line of the diff or one below. */
export function noteJson(
  model: ForgeModel,
  pull: ModelPull,
  comment: ModelComment,
): Partial<MergeRequestNoteSchema> {
  const at = new Date(comment.createdAtMs).toISOString();
  return {
    id: comment.id,
    body: comment.body,
    system: false,
    created_at: at,
    updated_at: at,
    noteable_iid: pull.number,
    author: userJson(model, comment.login) as MergeRequestNoteSchema["author"],
    type: comment.kind === "review_comment" ? "DiffNote" : null,
  } as Partial<MergeRequestNoteSchema>;
}

/** A commit of which only id and parents are true, the two that the client reads. */
export function commitJson(oid: string, parents: string[]): CommitSchema {
  const at = "2026-01-02T03:04:05Z";
  return {
    id: oid,
    short_id: oid.slice(0, 8),
    created_at: at,
    parent_ids: parents,
    title: "",
    message: "",
    author_name: "",
    author_email: "",
    authored_date: at,
    committer_name: "",
    committer_email: "",
    committed_date: at,
    web_url: "",
  } as CommitSchema;
}
