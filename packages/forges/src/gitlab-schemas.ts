import { z } from "zod";
import type { ForgeRepository } from "./forge-client.ts";
import type { ListedPullRequest } from "./pull-request-choice.ts";

/** From here on one may push. Source: GitLab's access levels (30 is Developer). */
export const GITLAB_DEVELOPER = 30;

const Access = z.object({ access_level: z.int() }).nullish();

/** What we read of GitLab's replies; the rest is left where it is. */
export const GitlabProject = z
  .object({
    path: z.string(),
    path_with_namespace: z.string(),
    /** Null in an empty repository. */
    default_branch: z.string().nullish(),
    web_url: z.string(),
    archived: z.boolean().default(false),
    visibility: z.string().default("private"),
    permissions: z.object({ project_access: Access, group_access: Access }).optional(),
  })
  .transform((project): ForgeRepository => {
    const { project_access, group_access } = project.permissions ?? {};
    const level = Math.max(project_access?.access_level ?? 0, group_access?.access_level ?? 0);
    return {
      owner: project.path_with_namespace.split("/").slice(0, -1).join("/"),
      name: project.path,
      defaultBranch: project.default_branch ?? "main",
      webUrl: project.web_url,
      archived: project.archived,
      private: project.visibility !== "public",
      canPush: level >= GITLAB_DEVELOPER,
    };
  });

export const GitlabMergeRequest = z
  .object({
    id: z.number(),
    iid: z.int(),
    web_url: z.string(),
    title: z.string(),
    description: z.string().nullish(),
    /** `locked` is the moment of a merge. */
    state: z.enum(["opened", "closed", "locked", "merged"]),
    draft: z.boolean().default(false),
    source_branch: z.string(),
    target_branch: z.string(),
    source_project_id: z.number().nullish(),
    target_project_id: z.number().nullish(),
    sha: z.string().nullish(),
    merge_commit_sha: z.string().nullish(),
    squash_commit_sha: z.string().nullish(),
  })
  .transform(
    ({ source_project_id, target_project_id, ...request }): ListedPullRequest => ({
      forgeId: String(request.id),
      number: request.iid,
      url: request.web_url,
      title: request.title,
      body: request.description ?? "",
      state: request.state === "merged" || request.state === "closed" ? request.state : "open",
      draft: request.draft,
      sourceBranch: request.source_branch,
      targetBranch: request.target_branch,
      headOid: request.sha ?? "",
      mergeOid:
        request.state === "merged"
          ? (request.merge_commit_sha ?? request.squash_commit_sha ?? request.sha ?? null)
          : null,
      fromFork: source_project_id !== target_project_id,
    }),
  );

export const GitlabNote = z.object({
  id: z.number(),
  type: z.string().nullish(),
  body: z.string(),
  /** Written by GitLab itself: "changed the title". */
  system: z.boolean().default(false),
  created_at: z.iso.datetime({ offset: true }),
  author: z.object({ username: z.string() }),
});
