import { z } from "zod";

/** Row ids are positive 32-bit integers; they appear in URLs, branch names and container names. */
export const RowId = z.int().positive().max(2_147_483_647);

export const RunId = RowId.brand<"RunId">();
export type RunId = z.infer<typeof RunId>;
export const WorkItemId = RowId.brand<"WorkItemId">();
export type WorkItemId = z.infer<typeof WorkItemId>;
export const WorkspaceId = RowId.brand<"WorkspaceId">();
export type WorkspaceId = z.infer<typeof WorkspaceId>;
export const ConnectionId = RowId.brand<"ConnectionId">();
export type ConnectionId = z.infer<typeof ConnectionId>;
export const RepositoryId = RowId.brand<"RepositoryId">();
export type RepositoryId = z.infer<typeof RepositoryId>;
export const BindingId = RowId.brand<"BindingId">();
export type BindingId = z.infer<typeof BindingId>;
export const PullRequestId = RowId.brand<"PullRequestId">();
export type PullRequestId = z.infer<typeof PullRequestId>;
export const SkillId = RowId.brand<"SkillId">();
export type SkillId = z.infer<typeof SkillId>;
export const PoolId = RowId.brand<"PoolId">();
export type PoolId = z.infer<typeof PoolId>;
export const RunnerId = RowId.brand<"RunnerId">();
export type RunnerId = z.infer<typeof RunnerId>;
export const MessageId = RowId.brand<"MessageId">();
export type MessageId = z.infer<typeof MessageId>;
/** Users (people and agents) carry the text ids of the sign-in library. */
export const UserId = z.string().min(1).max(64).brand<"UserId">();
export type UserId = z.infer<typeof UserId>;
/** Attempts are numbered from 1 and raised only by claim. */
export const Attempt = z.int().positive().max(1_000).brand<"Attempt">();
export type Attempt = z.infer<typeof Attempt>;

/** `DEMO`: 2 to 10 upper-case letters and digits, a letter first. */
export const WorkspaceKey = z
  .string()
  .regex(/^[A-Z][A-Z0-9]{1,9}$/, "2 to 10 capital letters or digits, a letter first");
/** `DEMO-12`. */
export const WorkItemKey = z.string().regex(/^[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}$/, "a key such as DEMO-12");
/** A full git object id, SHA-1, lower-case hex. */
export const Oid = z.string().regex(/^[0-9a-f]{40}$/, "40 lower-case hex digits");
export type Oid = z.infer<typeof Oid>;

/** One branch per run, the only ref a run may push. Source: INTERFACES section 5. */
export function runBranch(run: RunId): string {
  return `agent-runs/run-${run}`;
}
/** The same as a full ref, as git's protocol names it: `refs/heads/agent-runs/run-7`. */
export function runRef(run: RunId): string {
  return `refs/heads/${runBranch(run)}`;
}
