import { z } from "zod";
import { Oid, WorkItemKey } from "../ids.ts";
import { UserRef } from "./user.ts";

export const PullRequestState = z.enum(["open", "merged", "closed"]);
export type PullRequestState = z.infer<typeof PullRequestState>;

/** What a run proposes. On a forge it is read and decided there; what stands here was last read from it. `base_oid` and `head_oid` are what the run started from and ended with. */
export const PullRequest = z.object({
  id: z.int(),
  /** Counts from 1 in each repository of the server; on a forge it is the forge's. */
  number: z.int(),
  repository: z.object({ id: z.int(), owner: z.string(), name: z.string() }),
  work_item: WorkItemKey,
  run_id: z.int(),
  author: UserRef,
  title: z.string(),
  body: z.string(),
  source_branch: z.string(),
  target_branch: z.string(),
  base_oid: Oid,
  head_oid: Oid,
  /** Its page on the forge; null for one of the server's own repositories. */
  url: z.string().nullable(),
  draft: z.boolean(),
  state: PullRequestState,
  merged_oid: Oid.nullable(),
  decided_by: UserRef.nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type PullRequest = z.infer<typeof PullRequest>;

/** How the pull request stands against its target branch now. `paths` are the files in conflict. */
export const Mergeability = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("clean") }),
  z.object({ kind: z.literal("conflict"), paths: z.array(z.string()) }),
  /** Everything is on the target branch already. */
  z.object({ kind: z.literal("contained") }),
  /** The target branch or the commits are gone. */
  z.object({ kind: z.literal("missing"), detail: z.string() }),
]);
export type Mergeability = z.infer<typeof Mergeability>;

export const PullRequestDetail = PullRequest.extend({ mergeability: Mergeability.nullable() });
export type PullRequestDetail = z.infer<typeof PullRequestDetail>;

export const Commit = z.object({
  oid: Oid,
  author: z.object({ name: z.string(), email: z.string() }),
  authored_at: z.string(),
  subject: z.string(),
  body: z.string(),
  trailers: z.array(z.object({ key: z.string(), value: z.string() })),
});
export type Commit = z.infer<typeof Commit>;

export const DiffFile = z.object({
  path: z.string(),
  /** Null for files that are not text. */
  added: z.int().nullable(),
  removed: z.int().nullable(),
});
export type DiffFile = z.infer<typeof DiffFile>;

/** A unified diff against the point where the branches part. `truncated`: only the first bytes of `patch` are here. */
export const Diff = z.object({ files: z.array(DiffFile), patch: z.string(), truncated: z.boolean() });
export type Diff = z.infer<typeof Diff>;
